import { html } from 'hono/html'
import { describeRating, type UpsIdentity } from '../../../core/power/identity.ts'
import { copyable } from '../../../http/markup/copyable.ts'
import { facts, type Markup, nothing } from '../../../http/markup/parts.ts'

/** What a person looks for who orders a battery, or writes to its maker. */
export function identityView(identity: UpsIdentity): Markup {
  const { model, serial, firmware, driver, battery } = identity
  const told = [
    ['model', model],
    ['serial', serial === undefined ? undefined : copyable(serial, { what: 'the serial number' })],
    ['made for', describeRating(identity)],
    ['battery', battery],
    ['firmware', firmware],
    ['driver', driver],
  ] as const
  const rows = told.filter(([, value]) => value !== undefined)
  if (rows.length === 0) return nothing
  return html`<details>
    <summary>About this UPS</summary>
    ${facts(rows)}
  </details>`
}
