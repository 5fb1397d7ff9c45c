import { listOf, number, object, oneOf, optional, text, time } from '../shape.ts'
import type { Check, DoctorReport, Verdict } from './check.ts'

const verdict = oneOf<Verdict>({ ok: true, warning: true, failed: true, skipped: true })

/** A report as it is kept. */
export const doctorReport = object<DoctorReport>({
  at: time,
  tookMs: number,
  checks: listOf(
    object<Check>({ id: text, subject: text, verdict, reason: text, next: optional(text), tookMs: number }),
  ),
  fixed: listOf(text),
  only: optional(listOf(text)),
})
