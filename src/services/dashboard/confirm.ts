import { html } from 'hono/html'
import { type Markup, notice, prose } from '../../http/markup/parts.ts'
import type { Given, PageField, PageRequest } from '../../operations/pages.ts'

export interface Confirmation {
  readonly request: Pick<PageRequest, 'title' | 'label' | 'isDangerous' | 'fields'>
  /** Where it is requested. */
  readonly action: string
  /** Where its page is. */
  readonly back: string
  readonly given: Given
  /** What will happen, a sentence each; or why it can't be requested. */
  readonly will: readonly string[] | { readonly refused: string }
  /** To be read beforehand. */
  readonly text?: string | undefined
}

/** The question before a request: nothing is done yet. */
export function confirmView({ request, action, back, given, will, text }: Confirmation): Markup {
  const { title, label, isDangerous, fields = [] } = request
  if ('refused' in will)
    return html`<div class="confirm" data-confirmation>
      <h1>${title}</h1>
      ${notice('warning', html`<p>${prose(sentence(will.refused))}</p>`)}
      <div class="buttons"><a class="button" href="${back}" data-close data-focus>Back</a></div>
    </div>`
  // What is to be read is seen from its beginning, and no key does it unread.
  const isLong = text !== undefined && text !== ''
  const focusOn = isLong ? 'title' : isDangerous ? 'back' : 'button'
  const focus = (place: typeof focusOn) => (focusOn === place ? html` data-focus` : '')
  return html`<div class="confirm" data-confirmation>
    <h1 tabindex="-1" ${focus('title')}>${title}</h1>
    <ul>
      ${will.map((text) => html`<li>${prose(sentence(text))}</li>`)}
    </ul>
    ${isLong ? html`<pre class="text" tabindex="0">${text}</pre>` : ''}
    <form method="post" action="${action}" data-perform class="confirm">
      ${fields.map((field) => fieldView(field, given[field.name] ?? ''))}
      <div class="buttons">
        <button class="button main${isDangerous ? ' danger' : ''}" ${focus('button')}>${label}</button>
        <a class="button" href="${back}" data-close${focus('back')}>Back</a>
      </div>
    </form>
  </div>`
}

/** What came of a request. */
export function answerView(title: string, said: string, back: string, isRefused = false): Markup {
  return html`<div class="confirm" data-confirmation>
    <h1>${title}</h1>
    ${notice(isRefused ? 'warning' : 'fine', html`<p class="said" role="status">${prose(sentence(said))}</p>`)}
    <div class="buttons"><a class="button main" href="${back}" data-close data-focus>Back</a></div>
  </div>`
}

function fieldView(field: PageField, value: string): Markup {
  switch (field.kind) {
    case 'given':
      return html`<input type="hidden" name="${field.name}" value="${value}" />`
    case 'text':
      return html`<label
        >${field.label}<input type="text" name="${field.name}" value="${value}" maxlength="${field.most}"
      /></label>`
    case 'check':
      return html`<label class="check"
        ><input
          type="checkbox"
          name="${field.name}"
          value="yes"
          ${value === '' ? '' : html` checked`}
        />${field.label}</label
      >`
    case 'choice':
      return html`<label
        >${field.label}<select name="${field.name}">
          ${field.options.map(
            (option) =>
              html`<option value="${option.value}" ${option.value === value ? html` selected` : ''}>
                ${option.label}
              </option>`,
          )}
        </select></label
      >`
    default:
      return field satisfies never
  }
}

/** The Operator's sentences have no full stop, and begin as they are put behind a name. */
function sentence(text: string): string {
  return /[.?!:]$/.test(text) ? text : `${text}.`
}
