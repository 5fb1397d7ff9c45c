import { createHash } from 'node:crypto'
import { AgentError, messageOf } from '../../core/errors.ts'
import { claimantOf } from '../../core/provision/claimants.ts'
import type { ProvisionDesk, TakenConfig } from '../../core/provision/desk.ts'
import { cutOff, mayTake, sent, taken } from '../../core/provision/lifecycle.ts'
import type { Approval, Machine } from '../../core/provision/machine.ts'
import { type ConfigQuestion, idOf } from '../../core/provision/question.ts'
import type { RenderedConfig } from '../../core/provision/render.ts'
import { type DeskParts, understood } from './parts.ts'

/** Hands out what was approved: each once. */
export function createDelivering(parts: DeskParts): ProvisionDesk['take'] {
  /** Those whose configuration is being made: two at once would be two deliveries. */
  const taking = new Set<string>()
  return async (asked, { booted, isGone } = {}) => {
    const { question, isByGet } = understood(asked, parts)
    if (isByGet) throw new AgentError('rejected', 'its configuration is applied by its API')
    const { machine, approval } = demand(parts, question)
    const { id } = machine
    if (taking.has(id)) throw new AgentError('rejected', 'its configuration is being made for another request')
    taking.add(id)
    try {
      const made = await render(parts, { id, approval, booted })
      // It has taken time: somebody may have thought better of it.
      const still = demand(parts, question)
      if (still.approval !== approval) throw new AgentError('rejected', 'what was approved has changed')
      // Nothing has left yet: what was approved is there when it comes back.
      if (isGone?.() === true) throw new AgentError('not-now', 'it hung up while its configuration was being made')
      return deliver(parts, still, question, made)
    } finally {
      taking.delete(id)
    }
  }
}

interface Approved {
  readonly machine: Machine
  readonly approval: Approval
}

/** @throws AgentError `rejected` where it may not have it */
function demand({ current, now }: DeskParts, question: ConfigQuestion): Approved {
  const id = idOf(question.claim)
  const machine = id === undefined ? undefined : current(id)
  const claimant = machine && claimantOf(machine, question)
  if (!machine?.approval || !claimant || !mayTake(machine, claimant, now().getTime()))
    throw new AgentError('rejected', 'nothing is approved for it')
  return { machine, approval: machine.approval }
}

interface Rendered {
  readonly id: string
  readonly approval: Approval
  readonly booted: string | undefined
}

async function render(
  { renderer, store, put }: DeskParts,
  { id, approval, booted }: Rendered,
): Promise<RenderedConfig> {
  try {
    return await renderer.render(approval.order, approval.claim, booted)
  } catch (error) {
    const present = store.get(id)
    if (present) put({ ...present, trouble: messageOf(error) })
    throw error
  }
}

function deliver(
  parts: DeskParts,
  { machine, approval }: Approved,
  question: ConfigQuestion,
  { text, addresses, hide }: Pick<RenderedConfig, 'text' | 'addresses' | 'hide'>,
): TakenConfig {
  const { commit, write, change, at, code } = parts
  const { id } = machine
  const begun = at()
  const sha256 = createHash('sha256').update(text).digest('hex')
  // A crash would forget that it was taken, and it would be delivered twice.
  commit(machine, taken(machine, { question, sha256, addresses, at: begun, code: code() }), 'it was delivered')
  const { name, role } = approval.order
  write(machine, `takes its configuration as ${role} ${name}, at ${question.address}; approved by ${approval.by}`)
  return {
    text,
    id,
    sent: () => change(id, (present) => sent(present, begun, at()), 'was sent its whole configuration'),
    cut: (said) => {
      const why = hide(said)
      change(id, (present) => cutOff(present, begun, why), `was cut off while it got its configuration: ${why}`)
    },
  }
}
