import type { RunningService } from '../../core/service.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { NotificationsSection } from './section.ts'

/** Opens the channels, and tells what is to be told by them until it is disposed of. */
export async function startNotifications({ section }: ServiceContext<NotificationsSection>): Promise<RunningService> {
  return {
    status: () => (Object.keys(section.channels).length === 0 ? 'no channel is configured' : undefined),
    [Symbol.asyncDispose]: async () => {},
  }
}
