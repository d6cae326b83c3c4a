"""Usage: what the door says when nobody asks for anything yet. Nothing is imported, so that help is quick."""

HELP = """oa-sim: the twelve Opportunity Areas over 5 to 15 years, with and without the programme

  oa-sim run       run one scenario            oa-sim run scenario=early_years_first horizon=15
  oa-sim compare   scenarios side by side      oa-sim compare no_programme as_delivered hand_over
  oa-sim sweep     thousands of scenarios      oa-sim sweep split=equal,per_pupil horizon=5,10 --out DIR
  oa-sim resume    go on with a sweep          oa-sim resume DIR
  oa-sim extend    add scenarios to a sweep    oa-sim extend DIR split=as_paid horizon=5,10
  oa-sim optimise  the best plan, with proof   oa-sim optimise objective.group=disadvantaged
  oa-sim target    what can be promised        oa-sim target target.table=targets.xlsx
  oa-sim monitor   this year's figures         oa-sim monitor start_year=2022 monitor.figures=package
  oa-sim voi       what a study is worth       oa-sim voi objective.of=earnings
  oa-sim fit       learn from all authorities  oa-sim fit panel.path=panel.csv
  oa-sim evidence  what each study adds        oa-sim evidence scenario=hand_over
  oa-sim backtest  forecasts on trial          oa-sim backtest panel.path=A.csv panel.train_until=2019 panel.actuals=B
  oa-sim sensitivity   what a sweep rests on   oa-sim sensitivity DIR headline=impact_mean 'fails=impact_q05<0'
  oa-sim report    packs for people to open    oa-sim report outputs/as_delivered/ID --to docx,pptx
  oa-sim explore   levers on this machine      oa-sim explore outputs/as_delivered/ID
  oa-sim show      the scenario in full        oa-sim show scenario=hand_over split=per_pupil
  oa-sim check     configs, tables, example    oa-sim check

Each verb takes Hydra overrides, key=value. Keys that are used most:
  scenario, horizon, seed, areas, split, portfolio, budget.total_gbp, sampler.draws, posterior, outputs
  fit and backtest: panel.path, panel.train_until, panel.actuals, sampler.draws, sampler.tune, seed, outputs
  sweep and extend: several values of a key with commas; design, design.n, engine, engine.workers, block
  oa-sim run --help lists every group and its choices.

  --json      machine-readable answer on stdout
  --dry-run   what would run, how long and how much memory; nothing is run
  -m          run each of several: oa-sim run -m split=equal,per_pupil portfolio=teaching,balanced
  --version   the version
  --out DIR   of sweep: its folder        --fail-fast   of sweep, resume, extend: stop at the first failure
  --to LIST   of report: html, docx, pptx, xlsx, csv, json; all where it is left out
"""
