import { html } from 'hono/html'
import { describeDuration } from '../../core/duration.ts'
import { describeMoment, describeTime, type Instant } from '../../core/time.ts'
import type { Markup } from './parts.ts'

/** When a page is drawn, and the time zone of its times. */
export interface Drawing {
  readonly now: Date
  readonly zone: string
}

const isoOf = (at: Instant) => new Date(at).toISOString()

/** `12 min ago`, with the time itself for whoever asks; the page counts on by itself. */
export function ago(at: Instant, { now, zone }: Drawing): Markup {
  const ms = now.getTime() - new Date(at).getTime()
  return html`<time datetime="${isoOf(at)}" title="${describeMoment(at, zone)}" data-ago
    >${describeDuration(Math.max(0, ms))} ago</time
  >`
}

/** For how long something has lasted: `12 min`. */
export function since(at: Instant, { now, zone }: Drawing): Markup {
  const ms = now.getTime() - new Date(at).getTime()
  return html`<time datetime="${isoOf(at)}" title="since ${describeMoment(at, zone)}" data-since
    >${describeDuration(Math.max(0, ms))}</time
  >`
}

/** `2026-11-26 14:05 CET`. */
export function moment(at: Instant, { zone }: Pick<Drawing, 'zone'>): Markup {
  return html`<time datetime="${isoOf(at)}">${describeTime(at, zone)}</time>`
}

/** What is left until then, counted down by the page: `4:05`, `1:04:05`. Screen readers are told the time itself. */
export function countdown(until: Instant, { now, zone }: Drawing): Markup {
  const left = clockOf(new Date(until).getTime() - now.getTime())
  return html`<time
    class="countdown"
    role="timer"
    datetime="${isoOf(until)}"
    data-until
    aria-label="at ${describeTime(until, zone)}"
    >${left}</time
  >`
}

/** Ms as a clock counts them down. */
export function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000))
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = two(seconds % 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`
}
