import type { PlanAnswer, RunAnswer } from '../core/operator.ts'
import { exit } from './shell.ts'

/** Exit codes that several commands share. */

/** Of a run that was started or waited for. */
export function codeOfRun({ outcome }: RunAnswer): number {
  if (outcome === 'failed' || outcome === 'stuck') return exit.failed
  return outcome === 'later' || outcome === 'stopped' ? exit.waiting : exit.ok
}

/** Of what the upgrade would do now. Nothing to do is waiting, too, while a release soaks or is held back. */
export function codeOfPlan({ decision, release }: PlanAnswer): number {
  const settled = release.kind === 'wait' ? exit.waiting : exit.ok
  return { wait: exit.waiting, stuck: exit.failed, go: exit.ok, upgraded: settled }[decision.kind]
}
