/** What a machine waits with in maintenance until a person has decided. */
export interface Introduction {
  /** What its console shows: `BCDF-GHJK`. */
  readonly code: string
  /** Undefined: it gets one of its code. */
  readonly hostname: string | undefined
  /** Where it sends its kernel's log, and its events: `192.168.0.10:8425`. Undefined: nowhere. */
  readonly log: string | undefined
  readonly events: string | undefined
}

/**
 * A configuration without the document that makes a machine a node: with it Talos opens its maintenance API and waits, and
 * sends its console here (siderolabs/talos controllers/config/acquire.go). It holds no secret.
 */
export function introductionText({ code, hostname, log, events }: Introduction): string {
  const name = hostname ?? `pending-${code.toLowerCase()}`
  const documents = [
    ['kind: HostnameConfig', "auto: 'off'", `hostname: ${name}`],
    ...(log === undefined ? [] : [['kind: KmsgLogConfig', 'name: caretaker', `url: tcp://${log}/`]]),
    ...(events === undefined ? [] : [['kind: EventSinkConfig', `endpoint: ${events}`]]),
  ]
  return documents.map((lines) => ['apiVersion: v1alpha1', ...lines, ''].join('\n')).join('---\n')
}
