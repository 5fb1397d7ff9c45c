import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readTalosContexts } from '../../adapters/talos/talosconfig.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { readText } from '../../main/file-gate.ts'
import { type LookedCluster, lookAtCluster } from './look-cluster.ts'
import type { Means } from './means.ts'

export interface AskedCluster extends LookedCluster {
  /** Absolute paths. */
  readonly talosconfig: string
  readonly kubeconfig: string | undefined
  readonly isCopied: boolean
  readonly context: string
  /** The talosconfig leads to other clusters as well, and may be switched to one of them. */
  readonly hasOthers: boolean
}

/** The cluster, by a talosconfig that is named or asked for; undefined where there is none yet. */
export async function askCluster(means: Means, remarks: string[]): Promise<AskedCluster | undefined> {
  const { given, prompter, signal, say } = means
  const kubeconfig = given.kubeconfig === undefined ? undefined : resolve(given.kubeconfig)
  let named = given.talosconfig
  for (;;) {
    const path = named ?? (prompter ? await askPath(means) : undefined)
    if (path === undefined || path === '') return undefined
    const talosconfig = absoluteOf(path, means)
    try {
      const { context, hasOthers } = await askContext(means, talosconfig)
      const looked = await lookAtCluster({ talosconfig, kubeconfig, context, signal, say })
      const isCopied = await askCopy(means, talosconfig)
      return { ...looked, talosconfig, kubeconfig, context, hasOthers: hasOthers && !isCopied, isCopied }
    } catch (error) {
      signal.throwIfAborted()
      if (!prompter && !means.known.has('talosconfig')) throw error
      if (!prompter) {
        remarks.push(`${messageOf(error)}: cluster and nodes stay as they are`)
        return undefined
      }
      say(messageOf(error))
      named = undefined
    }
  }
}

/** Of several contexts the one that is named, or that a person chooses. */
async function askContext(
  { given, prompter }: Means,
  talosconfig: string,
): Promise<{ readonly context: string; readonly hasOthers: boolean }> {
  const { current, names } = readTalosContexts(await readText(talosconfig), talosconfig)
  const hasOthers = names.length > 1
  const wanted = given.context ?? (hasOthers ? undefined : names[0])
  if (wanted !== undefined && names.includes(wanted)) return { context: wanted, hasOthers }
  const all = names.join(', ') || 'none'
  if (wanted !== undefined)
    throw new AgentError('misconfigured', `${talosconfig} has no context ${wanted}; it has ${all}`)
  const [first] = names
  if (first === undefined) throw new AgentError('misconfigured', `${talosconfig} has no context`)
  if (!prompter && current === undefined)
    throw new AgentError('misconfigured', `${talosconfig} has the contexts ${all}: choose one with --context`)
  if (!prompter) return { context: current!, hasOthers }
  const options = names.map((value) => ({ value, label: value }))
  return { context: await prompter.choose('Which cluster of it?', options, current ?? first), hasOthers }
}

function askPath(means: Means): Promise<string> {
  const { prompter, environment, directory } = means
  const home = homeIn(means)
  const usual = [environment['TALOSCONFIG'], join(directory, 'talosconfig'), join(home, '.talos', 'config')]
  return prompter!.text({
    message: 'Talosconfig of the cluster (empty: there is none yet)',
    initial: usual.find((file) => file !== undefined && file !== '' && existsSync(file)),
    example: '~/.talos/config, written by talosctl',
    check: (answer) =>
      answer === '' || existsSync(absoluteOf(answer, means)) ? undefined : `${answer} does not exist`,
  })
}

/** A path as a person writes it, who may mean a place below their home. */
function absoluteOf(path: string, means: Pick<Means, 'environment'>): string {
  return resolve(path.replace(/^~(?=\/)/, homeIn(means)))
}

function homeIn({ environment }: Pick<Means, 'environment'>): string {
  return environment['HOME'] ?? homedir()
}

/** A file of a person's home is theirs: a service needs its own, which it renews. */
async function askCopy({ given, known, prompter, directory }: Means, talosconfig: string): Promise<boolean> {
  if (talosconfig.startsWith(`${directory}/`) || known.has('talosconfig')) return false
  if (given.copy !== undefined || !prompter) return given.copy === true
  return prompter.confirm(
    `Copy it to ${directory}, for Caretaker alone? It is renewed there, and yours stays as it is`,
    true,
  )
}
