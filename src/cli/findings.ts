import { access, constants, realpath, stat } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { doubtful, type Mistake, wrong } from '../config/mistake.ts'
import { AgentError, messageOf } from '../core/errors.ts'

/** What a check of one thing finds; several of them make a whole. */
export type Findings = readonly Mistake[]
type Path = Mistake['path']

/** What goes wrong while something is read or made, as errors of the setting. */
export async function attempt(path: Path, work: () => Promise<unknown>): Promise<Findings> {
  try {
    await work()
    return []
  } catch (error) {
    return messageOf(error)
      .split('\n')
      .map((line) => wrong(path, line))
  }
}

/** Who else may read or write a file with secrets, and whether TFTP serves it to everybody. */
export async function exposureOf(path: Path, file: string, share: string): Promise<Findings> {
  const info = await stat(file).catch(() => undefined)
  if (!info) return []
  const found: Mistake[] = []
  if (await isInside(file, share))
    found.push(wrong(path, `${file} is in the share, which TFTP serves to everybody: move it elsewhere`))
  if ((info.mode & 0o007) !== 0) found.push(doubtful(path, `others may read ${file}: run \`chmod o= ${file}\``))
  return found
}

/** Whether a file or directory, where it really is, lies in that directory or is it. */
export async function isInside(path: string, directory: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([truePath(path), truePath(directory)])
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

/** With every link followed, of the part that exists. */
async function truePath(path: string): Promise<string> {
  const whole = resolve(path)
  return realpath(whole).catch(async () => {
    const parent = dirname(whole)
    return parent === whole ? whole : resolve(await truePath(parent), whole.slice(parent.length).replace(/^\/+/, ''))
  })
}

/** @throws AgentError `misconfigured` where it is no directory that we can write to */
export async function checkDirectory(path: string, advice: string): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (!info) throw new AgentError('misconfigured', `${path} does not exist: ${advice}`)
  if (!info.isDirectory()) throw new AgentError('misconfigured', `${path} is not a directory: ${advice}`)
  await access(path, constants.W_OK).catch(() => {
    throw new AgentError('misconfigured', `${path} is not writable by this user`)
  })
}
