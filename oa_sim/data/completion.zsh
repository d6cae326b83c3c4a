#compdef oa-sim
# zsh completion of oa-sim: source <(oa-sim completion zsh), after compinit
_oa_sim() {
  local word verb cur="${words[CURRENT]}"
  local -a verbs flags keys words_of_verb choices
  verbs=(
@VERBS@
  )
  for word in "${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] || { verb=$word; break; }
  done
  if [[ -z $verb ]]; then
    _describe 'verb' verbs
    return
  fi
  case $verb in
@CASES@
    *) return 1 ;;
  esac
  case "${words[CURRENT-1]}" in
    --to) compadd -- @FORMATS@; return ;;
    --out|--templates|--copy-templates) _files -/; return ;;
  esac
  if [[ $cur == -* ]]; then
    compadd -- $flags
  elif [[ $cur == *=* ]]; then
    case "${cur%%=*}" in
@CHOICES@
      *) compset -P '*='; _files; return ;;
    esac
    compset -P '*[=,]'
    compadd -- $choices
  else
    compadd -- $words_of_verb
    compadd -S= -- $keys
    _files
  fi
}
compdef _oa_sim oa-sim
