import { createNutUps, type NutUps, type UpsOptions } from '../adapters/nut/ups.ts'
import type { Config } from '../config/config.ts'
import { keepFile, type KeptFile } from './kept-file.ts'
import { type SecretReader, withSecrets } from './secret-reader.ts'
import type { Settings } from './settings.ts'

/** How long the logout of a new connection may take, in ms. */
const logOutWithin = 3_000

type GivenUps = Config['upses'][number]

/** What happens to connections to upsd, by the UPS's label. */
export interface UpsesTold {
  /** Whether upsd takes our login: why not, or undefined. */
  login?(label: string, refusal: string | undefined): void
  /** Why it goes on in plain text where TLS was preferred; undefined: it does not. */
  plain?(label: string, why: string | undefined): void
  /** What it sends and can be meant in more than one way, so that it is not used; undefined: nothing. */
  unclear?(label: string, why: string | undefined): void
  /** Its password or CA can't be read, or with undefined can again; what was read before is used, or nothing. */
  secretMissing?(label: string, why: string | undefined): void
}

/** The UPSes of the configuration, by their labels. @throws AgentError `misconfigured` where a file can't be read */
export async function openUpses(settings: Settings, told: UpsesTold = {}): Promise<ReadonlyMap<string, NutUps>> {
  const opened = settings.config.upses.map(async (ups, index): Promise<[string, NutUps]> => {
    const { value } = await withSecrets(settings, (reader) => toUps(ups, index, reader))
    return [ups.label, createNutUps(withListeners(value, told))]
  })
  return new Map(await Promise.all(opened))
}

/**
 * The same for as long as the daemon runs: a password or a CA that changes counts from the next call on. Where it can't be
 * read, and `canWait` says so, the UPS is watched without it: that takes no login.
 */
export async function followUpses(
  settings: Settings,
  told: UpsesTold,
  canWait: (error: unknown) => boolean,
): Promise<ReadonlyMap<string, NutUps>> {
  const opened = settings.config.upses.map(async (ups, index): Promise<[string, NutUps]> => {
    const kept = await keepFile({
      read: () => withSecrets(settings, (reader) => toUps(ups, index, reader)),
      trouble: (why) => told.secretMissing?.(ups.label, why),
      canWait,
    })
    if (kept.last) told.secretMissing?.(ups.label, undefined)
    const { password: _, ca: __, ...open } = ups
    const bare: UpsOptions = { ...open, login: false }
    return [ups.label, followUps(kept, bare, (options) => createNutUps(withListeners(options, told)))]
  })
  return new Map(await Promise.all(opened))
}

async function toUps(ups: GivenUps, index: number, { secret, text }: SecretReader): Promise<UpsOptions> {
  const { name, label, host, port, user, password, login, tls, ca } = ups
  const credentials =
    user !== undefined && password !== undefined
      ? { user, password: await secret(password, `upses.${index}.password`) }
      : undefined
  const trusted = ca === undefined ? {} : { ca: await text(ca) }
  return { name, label, host, port, credentials, login: login && credentials !== undefined, tls, ...trusted }
}

function withListeners(options: UpsOptions, told: UpsesTold): UpsOptions {
  const { label = options.name } = options
  // What is not asked for any more is not refused either.
  if (!options.login) told.login?.(label, undefined)
  if (options.tls === 'off') told.plain?.(label, undefined)
  return {
    ...options,
    onLogin: () => told.login?.(label, undefined),
    onLoginRefused: (why) => told.login?.(label, why),
    onSecure: () => told.plain?.(label, undefined),
    onInsecure: (why) => told.plain?.(label, why),
    onUnclear: (why) => told.unclear?.(label, why),
  }
}

/** One UPS whose connection is made anew when what it takes to get in has changed. */
function followUps(kept: KeptFile<UpsOptions>, bare: UpsOptions, open: (options: UpsOptions) => NutUps): NutUps {
  let used = kept.last ?? bare
  let ups = open(used)
  /** Whether we have logged out: a new connection must not log in, or the primary would wait for us again. */
  let isOut = false

  async function present(): Promise<NutUps> {
    const options = await kept.current().catch(() => used)
    if (options === used) return ups
    const before = ups
    used = options
    ups = open(options)
    // A call that is under way there is cut off, and tried again with the next reading.
    await Promise.resolve(before[Symbol.asyncDispose]()).catch(() => {})
    if (isOut) await ups.logOut(AbortSignal.timeout(logOutWithin)).catch(() => {})
    return ups
  }

  return {
    name: ups.name,
    get loggedIn() {
      return ups.loggedIn
    },
    get secure() {
      return ups.secure
    },
    get driver() {
      return ups.driver
    },
    read: async (signal) => (await present()).read(signal),
    readStatus: async (signal) => (await present()).readStatus(signal),
    logOut: async (signal) => {
      isOut = true
      await (await present()).logOut(signal)
    },
    logIn: async (signal) => {
      isOut = false
      await (await present()).logIn(signal)
    },
    details: async (signal) => (await present()).details(signal),
    numLogins: async (signal) => (await present()).numLogins(signal),
    mayBePrimary: async (signal) => (await present()).mayBePrimary(signal),
    set: async (variable, value, signal) => (await present()).set(variable, value, signal),
    command: async (name, signal, parameter) => (await present()).command(name, signal, parameter),
    [Symbol.asyncDispose]: () => ups[Symbol.asyncDispose](),
  }
}
