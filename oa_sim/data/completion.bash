# bash completion of oa-sim: eval "$(oa-sim completion bash)"
_oa_sim() {
  local line="${COMP_LINE:0:COMP_POINT}" verb= word= cur= flags= keys= words=
  local -a typed=()
  read -ra typed <<< "$line"
  cur="${line##*[[:space:]]}"
  for word in "${typed[@]:1}"; do
    [[ $word == -* ]] || { verb="$word"; break; }
  done
  COMPREPLY=()
  if [[ -z $verb || ( $verb == "$cur" && ${line: -1} != [[:space:]] ) ]]; then
    COMPREPLY=( $(compgen -W "@VERBS@" -- "$cur") )
    return
  fi
  case "$verb" in
@CASES@
    *) return ;;
  esac
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    --to) COMPREPLY=( $(compgen -W "@FORMATS@" -- "$cur") ); return ;;
    --out|--templates|--copy-templates) COMPREPLY=( $(compgen -d -- "$cur") ); return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=( $(compgen -W "$flags" -- "$cur") )
  elif [[ $cur == *=* ]]; then
    local key="${cur%%=*}" value="${cur#*=}" before=
    case "$key" in
@CHOICES@
      *) words= ;;
    esac
    [[ $value == *,* ]] && before="${value%,*},"
    [[ $COMP_WORDBREAKS == *=* ]] || before="$key=$before"
    COMPREPLY=( $(compgen -P "$before" -W "$words" -- "${value##*,}") )
  else
    COMPREPLY=( $(compgen -W "$words $keys" -- "$cur") )
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2> /dev/null
  fi
}
complete -o bashdefault -o default -F _oa_sim oa-sim
