import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, messageOf } from '../core/errors.ts'
import { type Material, type MaterialFiles, whyUnusable } from './certificate.ts'

/** A certificate and its key in files, as the configuration names them. */
export interface CertificateFiles extends MaterialFiles {
  /** Where it names them: `api.tls`. */
  readonly setting: string
}

/** Reads what the configuration names. */
export interface FileReader {
  readSecret(source: { readonly file: string }, what: string): Promise<string>
}

/** @throws AgentError `misconfigured`, which names the setting, where nothing can be served with what is there */
export async function openMaterial(files: CertificateFiles, reader: FileReader): Promise<Material> {
  const material = await readMaterial(files, reader)
  const why = faultOf(material, files)
  if (why !== undefined) throw new AgentError('misconfigured', why)
  return material
}

/** A certificate that is served, and the files that it is from. */
export interface FollowedCertificate {
  readonly served: Material
  /**
   * Why what lies there can't take the place of what is served, with the setting; undefined where it could. It has been so at two
   * looks in a row: once may be the moment in which the files are written.
   */
  readonly fault: string | undefined
  /** Looks at the files, and answers what is to be served from now on, where that is something else. Never rejects. */
  renew(): Promise<Material | undefined>
}

/** Takes what is in the files as soon as it is whole, and keeps what was served before until then. */
export function followMaterial(files: CertificateFiles, reader: FileReader, first: Material): FollowedCertificate {
  let served = first
  let fault: string | undefined
  let doubted: string | undefined

  async function look(): Promise<Material | string | undefined> {
    const found = await readMaterial(files, reader).catch(messageOf)
    if (typeof found === 'string') return found
    if (found.cert === served.cert && found.key === served.key) return undefined
    return faultOf(found, files) ?? found
  }

  return {
    get served() {
      return served
    },
    get fault() {
      return fault
    },
    renew: async () => {
      const found = await look()
      const why = typeof found === 'string' ? found : undefined
      if (why === undefined || why === doubted) fault = why
      doubted = why
      if (found === undefined || typeof found === 'string') return undefined
      served = found
      return found
    },
  }
}

/** Looks every so many ms until the signal, and calls `looked` after each look. Never rejects. */
export async function keepLooking(
  followed: FollowedCertificate,
  { every, looked }: { readonly every: number; readonly looked: (fresh: Material | undefined) => void },
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    await sleep(every, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const fresh = await followed.renew()
    if (signal.aborted) return
    looked(fresh)
  }
}

function faultOf(material: Material, files: CertificateFiles): string | undefined {
  const fault = whyUnusable(material, files)
  return fault && `${files.setting}.${fault.of}: ${fault.why}`
}

/** @throws AgentError that names the setting */
async function readMaterial(files: CertificateFiles, reader: FileReader): Promise<Material> {
  const read = (of: 'certificate' | 'key') => {
    const setting = `${files.setting}.${of}`
    return reader.readSecret({ file: files[of] }, setting).catch((error: unknown) => {
      const text = messageOf(error)
      if (text.startsWith(setting)) throw error
      throw new AgentError(error instanceof AgentError ? error.code : 'misconfigured', `${setting}: ${text}`, error)
    })
  }
  return { cert: await read('certificate'), key: await read('key') }
}
