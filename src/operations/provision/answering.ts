import { claimantOf, noteQuestion } from '../../core/provision/claimants.ts'
import { waitingText } from '../../core/provision/code.ts'
import type { ConfigAnswer } from '../../core/provision/desk.ts'
import { mayTake } from '../../core/provision/lifecycle.ts'
import type { Claimant, Machine } from '../../core/provision/machine.ts'
import { type ConfigQuestion, idOf } from '../../core/provision/question.ts'
import { type DeskParts, understood } from './parts.ts'

/** Takes note of a question, and says what to answer now. */
export function answerQuestion(parts: DeskParts, asked: ConfigQuestion): ConfigAnswer {
  const { store, log, crowd, telling, nameOf, current, at, code } = parts
  const { question, isByGet } = understood(asked, parts)
  const { address } = question
  const id = idOf(question.claim)
  if (id === undefined) {
    const text = `${address} asks for a configuration and says neither UUID nor MAC address`
    log.note({ address, subject: 'machines', text })
    return { kind: 'refuse', text: 'no uuid and no mac address' }
  }
  const before = current(id)
  const isKnown = before !== undefined && claimantOf(before, question) !== undefined
  const isAdmitted = isKnown || crowd.admits(question, before)
  const noted = isAdmitted ? noteQuestion(before, question, { at: at(), code }) : undefined
  const told = noted?.machine ?? before
  const subject = told === undefined ? id : nameOf(told)
  const text = `${subject} at ${address} asks for its configuration`
  if (!noted) {
    log.note({ address, subject, text: `${text}: it is one of too many, and gets no answer` })
    return { kind: 'refuse', text: 'too many ask' }
  }
  log.note({ address, subject, text: `${text}, code ${noted.claimant.code}` })
  store.put(noted.machine, noted.isNew ? 'now' : 'later')
  crowd.bound(id)
  telling.asked(noted.machine, noted.claimant)
  return answerTo(parts, { ...noted, isByGet })
}

interface Asking {
  readonly machine: Machine
  readonly claimant: Claimant
  readonly isByGet: boolean
}

function answerTo({ now, renderer, crowd }: DeskParts, { machine, claimant, isByGet }: Asking): ConfigAnswer {
  const { id } = machine
  const { code } = claimant
  const at = now().getTime()
  if (machine.state === 'rejected' || claimant.isRejected) return { kind: 'refuse', id, text: 'rejected' }
  if (!isByGet && mayTake(machine, claimant, at)) return { kind: 'deliver', id, code }
  if (claimant.way === 'maintenance')
    return { kind: 'introduce', id, code, hostname: renderer.match(claimant.claim)?.name }
  return { kind: 'wait', id, code, text: waitingText(claimant, at), isKnown: crowd.isKnown(machine) }
}
