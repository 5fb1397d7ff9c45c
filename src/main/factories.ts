import { X509Certificate } from 'node:crypto'
import type { FactoryAccess } from '../adapters/factory/access.ts'
import { createFactory } from '../adapters/factory/factory.ts'
import { type NamedFactory, withFallbacks } from '../adapters/factory/fallbacks.ts'
import type { FactorySettings } from '../config/factory.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Meter } from '../core/metrics/meter.ts'
import type { Factory } from '../core/release/ports.ts'
import { certificatesIn } from '../core/pem.ts'
import { remembered } from '../operations/facts.ts'
import { recallSchematic } from '../operations/known-schematic.ts'
import { keepFile } from './kept-file.ts'
import { type SecretReader, withSecrets } from './secret-reader.ts'
import type { Settings } from './settings.ts'

export interface FactoriesOptions {
  readonly settings: Pick<Settings, 'config' | 'path' | 'environment'>
  readonly journal: Journal
  readonly told?: FactoryTold
  readonly meter?: Meter | undefined
  /** Whether it may go on without credentials that can't be read at the start. */
  readonly canWait?: (error: unknown) => boolean
}

export interface FactoryTold {
  /** A Factory has told the time just now, in ms since the epoch. */
  time?(who: string, at: number): void
  /** The credentials of a Factory can't be read and why, or with undefined can again. */
  factoryAccess?(url: string, why: string | undefined): void
  /** The certificates of factory.signedBy can't be read and why, or with undefined can again. */
  signers?(why: string | undefined): void
  /** Another Factory is asked than the first one, and why; with undefined the first one answers. */
  factoryAway?(why: string | undefined): void
}

type One = Pick<FactorySettings, 'url' | 'auth' | 'ca'>

/**
 * The Factory of the configuration, with its fallbacks. Credentials that change count from the next question on. Nothing is
 * contacted yet.
 *
 * @throws AgentError `misconfigured`
 */
export async function openFactories(options: FactoriesOptions): Promise<Factory> {
  const { settings, journal, told = {}, meter } = options
  const { fallbacks, ...first } = settings.config.factory
  const open = async (one: One, setting: string): Promise<NamedFactory> => ({
    name: one.url,
    factory: createFactory(one.url, {
      onDate: (at) => told.time?.('the Image Factory', at),
      environment: settings.environment,
      meter,
      access: await keepAccess(one, setting, options),
    }),
  })
  const main = await open(first, 'factory')
  if (fallbacks.length === 0) return main.factory
  const others = await Promise.all(fallbacks.map((one, index) => open(one, `factory.fallbacks.${index}`)))
  return withFallbacks([main, ...others], {
    schematicOf: (id) => recallSchematic(journal, id),
    known: () => remembered.versions.recall(journal) ?? [],
    told: (why) => told.factoryAway?.(why),
  })
}

/**
 * The certificates that signed images must be signed by, PEM, read again when their files change.
 *
 * @throws AgentError `misconfigured`
 */
export async function keepSigners({
  settings,
  told = {},
  canWait = () => false,
}: Pick<FactoriesOptions, 'settings' | 'told' | 'canWait'>): Promise<() => Promise<readonly string[]>> {
  const { signedBy } = settings.config.factory
  if (signedBy.length === 0) return async () => []
  const kept = await keepFile({
    read: () =>
      withSecrets(settings, async (reader) => {
        const found = signedBy.map(async (file) => certificatesOf(await reader.text(file), `factory.signedBy: ${file}`))
        return (await Promise.all(found)).flat()
      }),
    trouble: (why) => told.signers?.(why),
    canWait,
  })
  if (kept.last) told.signers?.(undefined)
  return () => kept.current()
}

async function keepAccess(
  one: One,
  setting: string,
  { settings, told = {}, canWait = () => false }: FactoriesOptions,
): Promise<() => Promise<FactoryAccess>> {
  if (one.auth === undefined && one.ca === undefined) return async () => ({})
  const kept = await keepFile({
    read: () => withSecrets(settings, (reader) => readAccess(one, setting, reader)),
    trouble: (why) => told.factoryAccess?.(one.url, why),
    canWait,
  })
  if (kept.last) told.factoryAccess?.(one.url, undefined)
  return () => kept.current()
}

async function readAccess({ auth, ca }: One, setting: string, reader: SecretReader): Promise<FactoryAccess> {
  const authority =
    ca === undefined ? {} : { ca: certificatesOf(await reader.text(ca), `${setting}.ca: ${ca}`).join('\n') }
  if (auth === undefined) return authority
  if ('username' in auth) {
    const password = await reader.secret(auth.password, `${setting}.auth.password`)
    const basic = Buffer.from(`${auth.username}:${password}`).toString('base64')
    return { ...authority, authorization: `Basic ${basic}` }
  }
  const token = await reader.secret(auth.token, `${setting}.auth.token`)
  return { ...authority, ...(auth.sentAs === 'query' ? { token } : { authorization: `Bearer ${token}` }) }
}

/** The certificates of a file, PEM. @throws AgentError `misconfigured` where it has none, or a damaged one */
export function certificatesOf(text: string, file: string): readonly string[] {
  const blocks = certificatesIn(text)
  // One that is broken would be passed over without a word.
  if (blocks.length === 0 || !blocks.every(isCertificate))
    throw new AgentError('misconfigured', `${file} holds no PEM certificate, or a damaged one`)
  return blocks
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}
