import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { AccessSource } from '../adapters/kubernetes/access.ts'
import { lifeOfCertificate } from '../adapters/kubernetes/entry.ts'
import { type Access, groupsOf, handedOut, parseKubeconfig } from '../adapters/kubernetes/kubeconfig.ts'
import { type Credentials, missingRole, parseTalosconfig } from '../adapters/talos/talosconfig.ts'
import { prefersCopy } from '../core/certificate-life.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { readText } from './file-gate.ts'
import { keepFile, type KeepOptions, type KeptFile } from './kept-file.ts'
import { writeSecret } from './replace-file.ts'
import type { Settings } from './settings.ts'

/** Credentials, and the file that they are from: the user's own, or the renewed copy in the state directory. */
export interface Sourced<T> {
  readonly value: T
  /** What the user's file says. */
  readonly own: T
  readonly file: string
  readonly text: string
  /** Where a renewed copy is, or would be. */
  readonly copyFile: string
  readonly isCopy: boolean
}

/** The talosconfig, with what was renewed. @throws AgentError `misconfigured`, also where the role is not enough */
export async function readTalos({ config, path }: Settings): Promise<Sourced<Credentials>> {
  const { talosconfig, context } = config.cluster
  if (talosconfig === undefined)
    throw new AgentError('misconfigured', 'no talosconfig is configured: set cluster.talosconfig')
  const file = path(talosconfig)
  const text = await readText(file)
  const own = parseTalosconfig(text, file, context)
  const copyFile = join(path(config.state), 'credentials', 'talosconfig')
  const copy = await readCopy(copyFile, (copied) => parseTalosconfig(copied, copyFile, context))
  const isCopy =
    copy !== undefined &&
    prefersCopy(
      { ...lifeOfCertificate(own.cert), ca: own.ca, fingerprint: fingerprintOf(own.cert) },
      { ...lifeOfCertificate(copy.value.cert), ca: copy.value.ca, replaces: copy.replaces },
    )
  const value = isCopy ? copy.value : own
  const lacking = missingRole(value, { upgrades: config.upgrade.enabled, now: new Date() })
  if (lacking) throw new AgentError('misconfigured', `${file}: ${lacking}`)
  return { value, own, file, text, copyFile, isCopy }
}

/** The kubeconfig, with what was renewed. @throws AgentError `misconfigured` */
export async function readKubernetes({ config, path }: Settings, kubeconfig: string): Promise<Sourced<Access>> {
  const file = path(kubeconfig)
  const text = await readText(file)
  const own = await parseWithFiles(text, file)
  const copyFile = join(path(config.state), 'credentials', 'kubeconfig')
  if (own.cert === undefined) return { value: own, own, file, text, copyFile, isCopy: false }
  const copy = await readCopy(copyFile, (copied) => parseKubeconfig(copied, copyFile, handedOut))
  const renewed = copy?.value.cert
  const isCopy =
    copy !== undefined &&
    renewed !== undefined &&
    prefersCopy(
      { ...lifeOfCertificate(own.cert), ca: own.ca ?? '', fingerprint: fingerprintOf(own.cert) },
      { ...lifeOfCertificate(renewed), ca: copy.value.ca ?? '', replaces: copy.replaces },
    )
  // Server and identity stay those of the user's file.
  const value = isCopy ? { ...own, cert: renewed, key: copy.value.key, origin: copyFile } : own
  return { value, own, file, text, copyFile, isCopy }
}

/** What the kubeconfig names beside itself is read as it is asked for, and never on the event loop: a share may hang. */
async function parseWithFiles(text: string, file: string): Promise<Access> {
  const texts = new Map<string, string | Error>()
  for (;;) {
    let lacking: string | undefined
    const known = (path: string) => {
      const found = texts.get(path)
      if (found === undefined) lacking = path
      if (typeof found !== 'string') throw found ?? new Error('it is not read yet')
      return found
    }
    try {
      return parseKubeconfig(text, file, known)
    } catch (error) {
      if (lacking === undefined) throw error
      const path = lacking
      texts.set(path, await readText(path).catch((cause: unknown) => new Error(messageOf(cause), { cause })))
    }
  }
}

/** The group of the kubeconfigs that Talos issues (siderolabs/talos pkg/kubernetes/kubeconfig). */
export const adminGroup = 'system:masters'

/** Whether its client certificate is one that Talos issues, and so can be renewed. */
export function isAdminAccess({ cert }: Access): boolean {
  return cert !== undefined && groupsOf(cert).includes(adminGroup)
}

/** The advice for credentials that expire. `file` is the user's own. */
export function newAccess(access: Access, file: string): string {
  if (isAdminAccess(access)) return `get a new one with \`talosctl kubeconfig --merge=false --force ${file}\``
  return `put a new ${access.cert === undefined ? 'token' : 'certificate'} into ${file}`
}

export type Trouble = Pick<KeepOptions<unknown>, 'trouble' | 'canWait'>

export function keepTalos(settings: Settings, trouble: Trouble): Promise<KeptFile<Sourced<Credentials>>> {
  return keepFile({
    read: async () => {
      const value = await readTalos(settings)
      return { value, files: [value.file, value.copyFile] }
    },
    ...trouble,
  })
}

export function keepKubernetes(
  settings: Settings,
  kubeconfig: string,
  trouble: Trouble,
): Promise<KeptFile<Sourced<Access>>> {
  return keepFile({
    read: async () => {
      const value = await readKubernetes(settings, kubeconfig)
      return { value, files: [value.file, value.copyFile, ...(value.own.files ?? [])] }
    },
    ...trouble,
  })
}

/** The access in a kubeconfig, which is read again when it has changed and when it is refused. */
export function accessFrom(kept: KeptFile<Sourced<Access>>): AccessSource {
  return {
    current: async () => (await kept.current()).value,
    async renewed(refused) {
      const { value } = await kept.reread()
      return value === refused ? undefined : value
    },
  }
}

const mark = /^# Renewed by Caretaker from [^\n]*, in the place of the certificate ([0-9A-F:]+)\n/

/** An unreadable copy is ignored: the user's file is still there. */
async function readCopy<T>(
  file: string,
  parse: (text: string) => T,
): Promise<{ readonly value: T; readonly replaces: string } | undefined> {
  const text = await readText(file).catch(() => undefined)
  const replaces = mark.exec(text ?? '')?.[1]
  if (text === undefined || replaces === undefined) return undefined
  try {
    return { value: parse(text), replaces }
  } catch {
    return undefined
  }
}

/** Keeps what was renewed in the state directory, with a note of the certificate in the user's file that it stands for. */
export async function writeCopy(source: Pick<Sourced<unknown>, 'file' | 'copyFile'>, cert: string, text: string) {
  const note = `# Renewed by Caretaker from ${source.file.replaceAll(/\s+/g, ' ')}, in the place of the certificate ${fingerprintOf(cert)}\n`
  await writeSecret(source.copyFile, note + text)
}

export function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256
}
