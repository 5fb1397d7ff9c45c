import type { AlertContent, Alerts } from '../../src/core/alert.ts'
import type { Journal } from '../../src/core/journal.ts'
import { createAlerts } from '../../src/operations/alerts.ts'

/** Alerts whose ids may be of no kind that there is. */
export interface AnyAlerts extends Omit<Alerts, 'open' | 'refresh' | 'settle' | 'report'> {
  open(id: string, content: AlertContent): boolean
  refresh(id: string, content: AlertContent): void
  settle(id: string, ending?: string): boolean
  report(id: string, content: AlertContent | undefined, ending?: string): boolean
}

export const createAnyAlerts = (journal: Journal, now: () => Date): AnyAlerts => createAlerts(journal, now)
