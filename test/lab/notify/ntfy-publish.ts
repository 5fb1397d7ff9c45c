import { NtfyRefusal } from './ntfy-refusals.ts'
import type { WireRequest } from './wire.ts'

/** A message as it is told to those who read, and to who published it. */
export interface NtfyMessage {
  readonly id: string
  /** Unix time, in seconds. */
  readonly time: number
  readonly expires: number
  readonly event: 'message'
  readonly topic: string
  readonly title?: string
  readonly message: string
  readonly priority?: number
  readonly tags?: readonly string[]
  readonly click?: string
  readonly actions?: readonly NtfyAction[]
  readonly sequence_id?: string
  /** What was too long for a message. */
  readonly attachment?: { readonly name: string; readonly size: number }
}

export interface NtfyAction {
  readonly id: string
  readonly action: string
  readonly label: string
  readonly clear?: boolean
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

type Wanted = Omit<NtfyMessage, 'id' | 'time' | 'expires' | 'event'>

/** In bytes; one that is reached counts as passed (util/peek.go). */
const messageLimit = 4_096
const titleLimit = 1_024
/** Topics that the server keeps for its own pages (server/config.go). */
const ownTopics = ['docs', 'static', 'file', 'app', 'account', 'settings', 'signup', 'login', 'v1']
const topicRegex = /^[-_A-Za-z0-9]{1,64}$/

/** What a request publishes: JSON at the root, text at a topic, whatever it looks like. */
export function parsePublish(
  { target, body }: WireRequest,
  means: { readonly attachments: boolean; readonly sequences: boolean; readonly isNewest: boolean },
): Wanted {
  const { pathname } = new URL(target, 'http://ntfy')
  if (pathname !== '/') {
    const topic = pathname.slice(1)
    if (!topicRegex.test(topic)) throw new NtfyRefusal(topic.includes('/') ? 40401 : 40009)
    return { topic, ...messageOf(body, means.attachments) }
  }
  if (Buffer.byteLength(body) >= messageLimit * 2) throw new NtfyRefusal(41303)
  const { topic, title, message, priority, tags, click, actions, sequence_id: sequence } = jsonOf(body)
  if (typeof topic !== 'string' || !topicRegex.test(topic)) throw new NtfyRefusal(40009)
  if (ownTopics.includes(topic)) throw new NtfyRefusal(40010)
  if (priority !== undefined && !(Number(priority) >= 1 && Number(priority) <= 5)) throw new NtfyRefusal(40007)
  if (means.sequences && typeof sequence === 'string' && !topicRegex.test(sequence)) throw new NtfyRefusal(40049)
  if (means.isNewest && typeof title === 'string' && Buffer.byteLength(title) > titleLimit) throw new NtfyRefusal(40057)
  return {
    topic,
    ...messageOf(typeof message === 'string' && message !== '' ? message : 'triggered', means.attachments),
    ...(typeof title === 'string' && title !== '' ? { title } : {}),
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(Array.isArray(tags) && tags.length > 0 ? { tags: tags.join(',').split(',') } : {}),
    ...(typeof click === 'string' ? { click } : {}),
    ...(Array.isArray(actions) && actions.length > 0 ? { actions: actions.map(actionOf(actions.length)) } : {}),
    ...(means.sequences && typeof sequence === 'string' ? { sequence_id: sequence } : {}),
  }
}

function jsonOf(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    throw new NtfyRefusal(40017)
  }
}

function messageOf(text: string, attachments: boolean): Pick<Wanted, 'message' | 'attachment'> {
  const size = Buffer.byteLength(text)
  if (size < messageLimit) return { message: text.trim() }
  if (!attachments) throw new NtfyRefusal(40014)
  return { message: 'You received a file: attachment.txt', attachment: { name: 'attachment.txt', size } }
}

/** As server/actions.go checks them. */
function actionOf(count: number): (value: unknown, index: number) => NtfyAction {
  return (value, index) => {
    const action = value as NtfyAction
    const isGet = ['GET', 'HEAD'].includes(action.method?.toUpperCase() ?? '')
    const isWrong =
      count > 3 ||
      !['view', 'http', 'broadcast'].includes(action.action) ||
      !action.label ||
      (action.action !== 'broadcast' && !action.url) ||
      (action.action === 'http' && isGet && action.body !== undefined)
    if (isWrong) throw new NtfyRefusal(40018)
    return { ...action, id: `action${index}` }
  }
}
