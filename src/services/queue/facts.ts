import { Redis } from 'ioredis'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { StoreFacts } from '../../core/doctor/store.ts'
import type { Files } from '../../operations/service.ts'
import { once, type StoreAddress } from './connection.ts'
import { directoryOf, socketOf } from './program.ts'
import type { QueueSection } from './section.ts'

/**
 * How the queue's store keeps what it is given, as it says itself.
 *
 * @throws AgentError `unreachable` where it does not answer, `misconfigured` where its password can't be read
 */
export async function readStoreFacts(
  { url, password }: QueueSection,
  files: Pick<Files, 'state' | 'readSecret'>,
  signal: AbortSignal,
): Promise<StoreFacts> {
  const secret = password && (await files.readSecret(password, 'queue.password'))
  const address: StoreAddress = url === undefined ? { path: socketOf(directoryOf(files)) } : { url, password: secret }
  const at = url === undefined ? 'its socket' : new URL(url).host
  const client = new Redis(once(address))
  let trouble: unknown
  client.on('error', (error) => (trouble = error))
  const hangUp = () => client.disconnect()
  signal.addEventListener('abort', hangUp, { once: true })
  try {
    await client.connect()
    return { at, isOwn: url === undefined, ...(await ask(client)) }
  } catch (error) {
    const why = messageOf(trouble ?? error)
    const isRefused = /NOAUTH|WRONGPASS|NOPERM/.test(why)
    throw new AgentError(isRefused ? 'rejected' : 'unreachable', `the queue's store at ${at}: ${describe(why)}`, error)
  } finally {
    signal.removeEventListener('abort', hangUp)
    client.disconnect()
  }
}

async function ask(client: Redis): Promise<Omit<StoreFacts, 'at' | 'isOwn'>> {
  const info = fieldsOf(await client.info())
  const setting = async (name: string) => {
    // Hosted ones refuse CONFIG.
    const pairs = await client.config('GET', name).catch((): unknown => [])
    const [, value] = Array.isArray(pairs) ? (pairs as unknown[]) : []
    return typeof value === 'string' ? value : undefined
  }
  const [policy, appends, saves] = await Promise.all([
    setting('maxmemory-policy'),
    setting('appendonly'),
    setting('save'),
  ])
  const limit = Number(info.get('maxmemory'))
  const wrote = info.get('aof_last_write_status') ?? 'ok'
  const saved = info.get('rdb_last_bgsave_status') ?? 'ok'
  const valkey = info.get('valkey_version')
  const appending = appends ?? (info.get('aof_enabled') === '1' ? 'yes' : undefined)
  return {
    server: valkey === undefined ? `redis ${info.get('redis_version') ?? '?'}` : `valkey ${valkey}`,
    policy: policy ?? info.get('maxmemory_policy'),
    memoryLimit: Number.isFinite(limit) ? limit : undefined,
    appends: appending === undefined ? undefined : appending === 'yes',
    saves: saves === undefined ? undefined : saves !== '',
    ...(wrote === 'ok' && saved === 'ok'
      ? {}
      : { trouble: wrote === 'ok' ? 'its last save failed' : 'its last write failed' }),
  }
}

function fieldsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]]
    }),
  )
}

/** Node's and the store's own words, as people would say it. */
function describe(why: string): string {
  if (/ENOENT/.test(why)) return 'it does not run'
  if (/ECONNREFUSED/.test(why)) return 'nothing listens there'
  if (/ENOTFOUND|EAI_AGAIN/.test(why)) return 'its name does not resolve'
  if (/ETIMEDOUT|timed out|Connection is closed/i.test(why)) return 'it does not answer in time'
  if (/NOAUTH/.test(why)) return 'it wants a password: set queue.password'
  if (/WRONGPASS/.test(why)) return 'it refuses the password of queue.password'
  return why
}
