import type { Alerts } from '../../core/alert.ts'
import { areaOf, type Check, type DoctorReport, isAmong } from '../../core/doctor/check.ts'

const kind = 'check.failed'

/** By the first words of a check's id, the kinds of alerts that say the same of the same thing. */
const toldBy: Readonly<Record<string, readonly string[]>> = {
  'ups.status': ['ups.silent', 'ups.forced'],
  'ups.login': ['ups.login', 'ups.secret'],
  'node.role': ['node.role'],
  'node.identity': ['node.identity'],
  'credentials.life': ['credentials.end', 'credentials.file', 'credentials.renewal'],
  'channel.reach': ['channel.failing'],
  'factory.schematic': ['schematic.refused'],
  'host.shutdown': ['machine.secret'],
}
/** The same of what there is only one of. */
const toldByOne: Readonly<Record<string, readonly string[]>> = {
  config: ['config.invalid', 'config.mistakes'],
  'machine.clock': ['clock.untrusted', 'clock.differs'],
  'queue.store': ['service.down:queue'],
  'files.mode': ['state.access'],
}

/**
 * One alert for each check that has failed, settled by the next report in which it has not. A report of a few checks says
 * nothing of the others. What another alert says already is not said a second time.
 */
export function reportChecks(
  alerts: Alerts,
  { checks, only }: DoctorReport,
  { opens }: { readonly opens: boolean },
): void {
  const failing = checks.filter(({ verdict }) => verdict === 'failed')
  const failingIds = new Set<string>(failing.map(idOf))
  alerts.settleWhere(({ id, subject }) => {
    if (!id.startsWith(`${kind}:`) || failingIds.has(id)) return false
    const checkId = id.slice(kind.length + 1)
    return only === undefined || isAmong({ id: checkId, subject }, only)
  })
  for (const check of failing) {
    const id = idOf(check)
    if (isTold(alerts, check)) alerts.settle(id)
    else if (opens || alerts.find(id)) alerts.open(id, contentOf(check))
  }
}

const idOf = ({ id }: Check) => `${kind}:${id}` as const

function isTold(alerts: Alerts, check: Check): boolean {
  const [words = '', name] = [
    check.id.split(':', 1)[0],
    check.id.includes(':') ? check.id.slice(check.id.indexOf(':') + 1) : undefined,
  ]
  const named = (toldBy[words] ?? []).map((one) => `${one}:${name ?? check.subject}`)
  const single = toldByOne[words] ?? toldByOne[areaOf(check)] ?? []
  return [...named, ...single].some((id) => alerts.find(id) !== undefined)
}

function contentOf({ subject, reason, next }: Check) {
  return {
    severity: 'warning',
    subject,
    text: `${subject}: ${reason}`,
    ...(next === undefined ? {} : { action: next }),
  } as const
}
