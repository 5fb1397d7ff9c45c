import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Alerts } from '../core/alert.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import { labelOf } from '../core/notify/compose.ts'
import { type Action, readTicket, usedActionKind, writeTicket } from '../core/notify/action.ts'
import { cancelledIn, describeRestarts } from '../core/power/cancelled.ts'
import type { Power } from '../core/power/feeds.ts'
import { policyFor } from '../core/power/triggers.ts'
import type { Asked, Operator } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import type { MachineDetails } from '../core/provision/requests.ts'
import { describeTime } from '../core/time.ts'

/** How long a button may be pressed, in ms: an outage or a wait for approval is over by then, or is told again. */
const lastsFor = 24 * 3_600_000
/** Characters of a signature: 128 bits of HMAC-SHA256 (RFC 2104, section 5, asks for half at least). */
const signatureLength = 22

/** A button, before it is pressed. */
export interface ActionPreview {
  /** What it would do, as a sentence without a full stop. */
  readonly said: string
  readonly label: string
}

export interface ActionsOptions {
  /** Of 32 bytes. */
  readonly key: Uint8Array
  readonly operator: Operator
  readonly alerts: Pick<Alerts, 'find'>
  readonly journal: Journal
  readonly power: Pick<Power, 'upses'>
  readonly config: () => Pick<Config, 'power' | 'upses' | 'upgrade'>
  readonly now: () => Date
}

/**
 * Buttons outside: signed tokens that do one thing once, for as long as they last. Whoever has one may press it, so each
 * channel has its own.
 */
export interface Actions {
  /** A token of 64 characters of `[-_.A-Za-z0-9]` at most. */
  issue(channel: string, action: Action): string
  /** What pressing it would do now. @throws AgentError `rejected`, with why it does nothing */
  preview(channel: string, token: string): ActionPreview
  /** Does it. @throws AgentError `rejected` likewise; or what the request itself says */
  perform(channel: string, token: string, asked: Asked): Promise<RequestAnswer>
}

export function createActions(options: ActionsOptions): Actions {
  const { key, journal, now } = options
  const used = journal.records(usedActionKind)

  /** The channel is signed with it: what one was given is worth nothing by another. */
  function sign(channel: string, head: string, subject: string): string {
    return createHmac('sha256', key)
      .update(`${channel}\n${head}\n${subject}`)
      .digest('base64url')
      .slice(0, signatureLength)
  }

  function open(channel: string, token: string) {
    const { ticket, signature } = readTicket(token) ?? refuse('this button is not one of ours')
    const { head, subject } = writeTicket(ticket)
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(sign(channel, head, subject))))
      refuse('this button is not one of ours')
    const expiresAt = new Date(ticket.expiresAt).toISOString()
    if (used.get(usedActionKind.keyOf({ nonce: ticket.nonce, expiresAt }))) refuse('this button was pressed before')
    if (ticket.expiresAt <= now().getTime()) refuse('this button has expired')
    whyStale(ticket.action, options)
    return { action: ticket.action, use: { nonce: ticket.nonce, expiresAt } }
  }

  return {
    issue: (channel, action) => {
      const nonce = randomBytes(6).toString('base64url').slice(0, 6)
      const { head, subject } = writeTicket({ action, expiresAt: now().getTime() + lastsFor, nonce })
      return `${head}${sign(channel, head, subject)}${subject}`
    },
    preview: (channel, token) => {
      const { action } = open(channel, token)
      return { said: describe(action, options), label: labelOf(action) }
    },
    perform: async (channel, token, asked) => {
      const { action, use } = open(channel, token)
      // On the disk first: it may do nothing, but it never does it twice.
      used.save(use)
      return carryOut(action, options.operator, asked)
    },
  }
}

function refuse(why: string): never {
  throw new AgentError('rejected', why)
}

/** @throws AgentError `rejected` where what it was offered for is over */
function whyStale({ do: name, subject }: Action, { alerts, journal, operator }: ActionsOptions): void {
  if (name === 'cancel' || name === 'wake') {
    const isSame = alerts.find('power.failed')?.since === subject || journal.openOutage()?.startedAt === subject
    if (!isSame) refuse('that power cut is over')
  }
  if (name === 'admit' || name === 'turn-away') {
    const { state, way } = waitingWith(subject, operator)
    if (name === 'admit' && way === 'maintenance')
      refuse(
        `it waits in maintenance, and its key has to be compared: approve it on its page, or with \`caretaker machine approve ${subject}\``,
      )
    if (state === 'approved' || state === 'rejected') refuse('somebody has decided about that machine already')
  }
  if (name === 'pause' && journal.openRollout()?.release !== subject) refuse(`the rollout of ${subject} is over`)
}

/** The machine whose console shows this code. @throws AgentError `rejected` where none does any more */
function waitingWith(code: string, { machines }: Operator): MachineDetails {
  try {
    return machines.find({ machine: code })
  } catch {
    return refuse('no machine waits with that code any more')
  }
}

function describe({ do: name, subject }: Action, { config, power, operator }: ActionsOptions): string {
  const at = () => describeTime(subject, config().upgrade.shownZone)
  switch (name) {
    case 'cancel':
      return `Cancel the shutdown of the power cut that began at ${at()}: ${describeRestarts(cancelledIn(power.upses, (label) => policyFor(config(), label), true))}`
    case 'wake':
      return `Wake every machine that the power cut of ${at()} has shut down, without waiting for the battery`
    case 'approve':
      return `Approve ${subject}: its rollout starts in the next window`
    case 'admit':
    case 'turn-away':
      return describeMachine(name, subject, operator)
    case 'pause':
      return `Pause rollouts: no further node is upgraded to ${subject} until someone resumes them`
    default:
      return name satisfies never
  }
}

/** What the button of a machine does, with what is odd about it. */
function describeMachine(name: 'admit' | 'turn-away', code: string, operator: Operator): string {
  const { mac, id, address = 'an unknown address', evidence } = waitingWith(code, operator)
  const what = `${mac ?? id} at ${address}, whose console shows ${code}`
  if (name === 'turn-away') return `Reject ${what}: it does not get its configuration`
  const odd = evidence.filter(({ kind }) => kind !== 'for').map(({ text }) => `; ${text}`)
  return `Approve ${what}, as a worker${odd.join('')}`
}

function carryOut(
  { do: name, subject }: Action,
  { power, rollouts, machines }: Operator,
  asked: Asked,
): Promise<RequestAnswer> {
  switch (name) {
    case 'cancel':
      return power.cancel(asked)
    case 'wake':
      return power.wake({}, asked)
    case 'approve':
      return rollouts.approve({ version: subject }, asked)
    case 'pause':
      return rollouts.pause({}, asked)
    case 'admit':
      return machines.approve({ machine: subject, role: 'worker', force: false }, asked)
    case 'turn-away':
      return machines.reject({ machine: subject }, asked)
    default:
      return name satisfies never
  }
}
