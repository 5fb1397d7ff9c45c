import type { Attempts, CordonMark, Node } from '../cluster/cluster.ts'
import { attemptsOf, bootedOldSystem, nextCount, rollbackNote } from './attempts.ts'
import { go, type UpgradeDecision } from './decision.ts'
import type { UpgradeTarget } from './policy.ts'
import { failureNote, stagedNote, uncordonPlan } from './release-plan.ts'

/** Annotations left on a node that someone else uncordoned: what only they record is kept, then they are removed. */

/** A leftover annotation would make the next cordon by a person look like ours. */
export function decideLeftover(nodes: readonly Node[]): UpgradeDecision | undefined {
  const node = nodes.find(({ kubernetes }) => kubernetes.ok && kubernetes.value.leftover)
  if (!node) return undefined
  const { name } = node
  const reason = `${name} was uncordoned by someone else, and still carries our annotation`
  const mark = node.kubernetes.ok ? node.kubernetes.value.leftover : undefined
  const noted = mark?.release === undefined ? undefined : rollbackNote(node, mark.release, mark)
  if (noted)
    return go({ node: name, intent: 'give-up', reason, plan: [failureNote(node, noted), ...uncordonPlan(node)] })
  const kept = mark && isNeeded(node, mark) ? [stagedNote(node, mark)] : []
  return go({ node: name, intent: 'release', reason, plan: [...kept, ...uncordonPlan(node)] })
}

/** Of what has not been booted yet, or whose boot is still to be seen. */
function isNeeded({ talos }: Node, mark: CordonMark): boolean {
  const isOpen = !talos.ok || talos.value.stage !== 'running' || mark.bootId === talos.value.bootId
  return !mark.back && isOpen && (mark.installer !== undefined || mark.rebooting === true)
}

/** A node that was armed for its window, was rebooted by something else, and came back with its previous release. */
export function decideFallen(outdated: readonly Node[], target: UpgradeTarget): UpgradeDecision | undefined {
  const node = outdated.find((one) => {
    const mark = stagedMark(one)
    return mark?.release === target.version && bootedOldSystem(one, mark)
  })
  if (!node) return undefined
  const failure = `rolled back to ${node.talos.ok ? node.talos.value.version : 'its previous release'}`
  const attempts: Attempts = {
    ...attemptsOf(node, target),
    release: target.version,
    count: nextCount(node, target),
    failure,
    rolledBack: true,
  }
  const reason = `${node.name} booted its previous release: ${failure}`
  return go({ node: node.name, intent: 'give-up', reason, plan: [failureNote(node, attempts)] })
}

function stagedMark({ kubernetes }: Node): CordonMark | undefined {
  return kubernetes.ok ? kubernetes.value.staged : undefined
}
