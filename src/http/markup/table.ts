import { html } from 'hono/html'
import { empty, type Markup } from './parts.ts'

export interface Column<Row> {
  readonly title: string
  cell(row: Row): unknown
  /** Figures stand at the right. */
  readonly isFigure?: true
  /** Left out on phones. */
  readonly isSpare?: true
  /** Its title is for those who hear it: the cells say themselves what they are. */
  readonly isUntitled?: true
}

/**
 * A table that screen readers know by its caption. On phones every row is a card of its own: each cell brings the title of
 * its column along.
 */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none = 'Nothing here yet.',
): Markup {
  if (rows.length === 0) return empty(none)
  const classOf = ({ isFigure, isSpare }: Column<Row>) =>
    [isFigure ? 'figure' : '', isSpare ? 'spare' : ''].filter(Boolean).join(' ')
  // What has one cell beside its name needs no title on a phone.
  const isPair = columns.filter(({ isSpare }) => !isSpare).length === 2
  return html`<div class="table${isPair ? ' pair' : ''}" tabindex="0" role="group" aria-label="${caption}">
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col" class="${classOf(column)}">${column.isUntitled ? html`<span class="unseen">${column.title}</span>` : column.title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map((column, index) =>
                index === 0
                  ? html`<th scope="row" class="${classOf(column)}">${column.cell(row)}</th>`
                  : html`<td data-title="${column.isUntitled ? '' : column.title}" class="${classOf(column)}">
                      <div>${column.cell(row)}</div>
                    </td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
