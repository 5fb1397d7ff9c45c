import type { Config } from '../config/config.ts'
import type { Scope } from '../core/access/token.ts'
import type { Asked, Operator, StatusAnswer } from '../core/operator.ts'
import type { SettingInForce } from '../core/setting.ts'

/**
 * A page of the dashboard, as the definition of a service names it. Every command of the CLI loads these for the sections of
 * services: what draws the page is loaded with its first request.
 */
export interface PageSpec {
  /** `/power`; the navigation leads there. */
  readonly path: string
  readonly title: string
  /** Pages with smaller numbers stand first. */
  readonly order: number
  load(): Promise<{ readonly default: AnyPage }>
}

/** What is drawn: hono's escaped HTML. */
export type Drawn = EscapedHtml | Promise<EscapedHtml>
type EscapedHtml = string & { readonly isEscaped: true }

export interface Page<Data> {
  /** Asks for what the page shows. Rejects with an AgentError, which is then shown in its place. */
  read(asking: Asking): Data | Promise<Data>
  /** Draws it. Pure: the same data at the same time are the same text. */
  view(data: Data, viewing: Viewing): Drawn
  /** What a person may request here, by its name: `/power/do/cancel`. */
  readonly requests?: Readonly<Record<string, PageRequest>>
  /** What can be taken away from here, by its name: `/power/readings.csv`. */
  readonly files?: Readonly<Record<string, PageFile>>
  /** That it draws charts, which takes more scripts. */
  readonly hasCharts?: true
  /** Whether it is not drawn anew by itself: there is a form on it. */
  isStill?(query: URLSearchParams): boolean
}

export type AnyPage = Page<unknown>

export function definePage<Data>(page: Page<Data>): AnyPage {
  return page
}

/** What a page may ask: the Operator, as every other door does. */
export interface Asking {
  readonly operator: Operator
  /** How everything is: what is drawn in the same moment shows the same. `followed`: nodes are looked at again meanwhile. */
  status(freshness?: 'known' | 'followed'): Promise<StatusAnswer>
  /** The configuration as it is now. */
  config(): Config
  /** Every setting as it is used, and the file that they are from. */
  settings(): { readonly file: string; readonly settings: readonly SettingInForce[] }
  /** What stands behind the question mark. */
  readonly query: URLSearchParams
  now(): Date
  /** Aborts when no one waits for the page any more. */
  readonly signal: AbortSignal
}

/** For whom and when a page is drawn. */
export interface Viewing {
  readonly now: Date
  /** The time zone of times. */
  readonly zone: string
  /** What whoever looks may do; undefined: a stranger. */
  readonly scope: Scope | undefined
  readonly query: URLSearchParams
}

/** What stands in the form of a request, by the names of its fields. */
export type Given = Readonly<Record<string, string>>

/** A request, with a confirmation that says what will happen. */
export interface PageRequest {
  /** A question: `Cancel the shutdown?` */
  readonly title: string
  /** Of the button that does it: `Cancel the shutdown`. */
  readonly label: string
  readonly scope: Scope
  /** It takes machines down, or gives up a safeguard. */
  readonly isDangerous?: true
  readonly fields?: readonly PageField[]
  /**
   * What is shown with the question and must still hold when it is answered, such as a key that a person compares: it is
   * sent along by the field of its name. @throws AgentError with why it can't be requested
   */
  shown?(given: Given, asking: Asking): Given | Promise<Given>
  /** What will happen, a sentence each; `given` has what is shown. @throws AgentError with why it can't be requested */
  preview(given: Given, asking: Asking): readonly string[] | Promise<readonly string[]>
  /** A text to be read beforehand, as it stands: a diff. @throws AgentError likewise */
  text?(given: Given, asking: Asking): string | Promise<string>
  /** Requests it; answers what came of it, as a sentence. */
  perform(given: Given, asking: Asking, asked: Asked): Promise<string>
}

export type PageField =
  /** Comes with the button. */
  | { readonly kind: 'given'; readonly name: string }
  | { readonly kind: 'text'; readonly name: string; readonly label: string; readonly most: number }
  | { readonly kind: 'check'; readonly name: string; readonly label: string }
  | {
      readonly kind: 'choice'
      readonly name: string
      readonly label: string
      readonly options: readonly { readonly value: string; readonly label: string }[]
    }

export interface PageFile {
  readonly type: string
  read(asking: Asking): string | Promise<string>
}
