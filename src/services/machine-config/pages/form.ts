import { html } from 'hono/html'
import { isEnough } from '../../../core/access/token.ts'
import type { MachineDetails } from '../../../core/provision/requests.ts'
import type { Markup } from '../../../http/markup/parts.ts'
import type { Viewing } from '../../../operations/pages.ts'

/**
 * What it is to become. It leads to the confirmation, which shows what it would get; nothing is done by it. What was typed
 * stays when the page is drawn anew.
 */
export function decisionForm({ code, id, order, patchFiles }: MachineDetails, { scope }: Viewing): Markup {
  if (scope === undefined || !isEnough(scope, 'admin'))
    return html`<p class="no-buttons">
      “Approve” needs a token of scope admin${scope === undefined ? '' : `; yours is ${scope}`}: a configuration holds
      secrets of the cluster.
    </p>`
  const labels = Object.entries(order?.labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return html`<form method="get" action="/machines/do/approve" class="filter" data-confirm>
    <input type="hidden" name="machine" value="${code ?? id}" />
    <label
      >Role<select name="role">
        <option value="">as machines.yaml says</option>
        ${(['worker', 'controlplane'] as const).map(
          (role) => html`<option${role === order?.role ? html` selected` : ''}>${role}</option>`,
        )}
      </select></label
    >
    <label
      >Name<input type="text" name="name" value="${order?.name ?? ''}" maxlength="63" placeholder="worker-2"
    /></label>
    <label
      >Labels<input
        type="text"
        name="labels"
        value="${labels.join(', ')}"
        maxlength="900"
        placeholder="gpu=nvidia, shelf=top"
    /></label>
    <label
      >Patches<input
        type="text"
        name="patches"
        value="${(order?.patches ?? []).join(', ')}"
        maxlength="900"
        placeholder="${patchFiles.length === 0 ? 'none' : patchFiles.slice(0, 3).join(', ')}"
    /></label>
    <button class="button main">Approve…</button>
  </form>`
}
