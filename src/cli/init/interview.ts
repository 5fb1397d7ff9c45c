import { access, constants } from 'node:fs/promises'
import process from 'node:process'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { defaultState } from '../../config/state-line.ts'
import { AgentError } from '../../core/errors.ts'
import { type Choices, type SecretPlace, type UpgradeTimes } from '../../core/setup/choices.ts'
import { isName, nearestName } from '../../core/setup/names.ts'
import { type LabelledUps, labelUpses, remarksOnUpses } from '../../core/setup/upses.ts'
import { usualFactory } from '../../core/setup/usual.ts'
import { isTimeZone } from '../../core/time.ts'
import { type AskedCluster, askCluster } from './ask-cluster.ts'
import { findSchematics } from './ask-schematics.ts'
import { askShare } from './ask-share.ts'
import { askUpses, passwordFile } from './ask-upses.ts'
import type { Means } from './means.ts'

/** What came of all questions. */
export interface Interviewed {
  readonly choices: Choices
  /** What a person should know, a sentence each. */
  readonly remarks: readonly string[]
  /** Credentials to copy beside the configuration; undefined where it refers to them where they are. */
  readonly copied:
    | { readonly talosconfig: string; readonly context: string; readonly kubeconfig: string | undefined }
    | undefined
  /** A password that was typed, for a file of its own. */
  readonly newPassword: string | undefined
}

/** Looks at everything that is named or asked for, and asks a person what nothing tells. */
export async function interview(means: Means): Promise<Interviewed> {
  const { given } = means
  if (given.timeZone !== undefined && !isTimeZone(given.timeZone))
    throw new AgentError('misconfigured', `${given.timeZone} is not a time zone: use one such as Europe/Warsaw`)
  const told: string[] = []
  const cluster = await askCluster(means, told)
  const asked = await askUpses(means)
  const upses = labelUpses(asked.upses)
  const share = await askShare(means, [...new Set(asked.upses.map(({ host }) => host))], told)
  const factory = factoryOf(means, cluster)
  const clusterName = nearestName(given.name ?? cluster?.context ?? 'homelab') ?? 'homelab'
  const wanted = schematicName(given.schematic)
  const nodes = cluster?.seen.nodes ?? []
  const { schematics, remarks } = await findSchematics(means, { nodes, factory: factory ?? usualFactory, wanted })
  const written = (path: string) => pathIn(means.directory, path)
  const password = asked.user?.password
  const choices: Choices = {
    clusterName,
    cluster: cluster && {
      talosconfig: cluster.isCopied ? 'talosconfig' : written(cluster.talosconfig),
      context: cluster.hasOthers ? cluster.context : undefined,
      kubeconfig: kubeconfigOf(cluster, written),
      seen: cluster.seen,
    },
    factory,
    schematics,
    share: { ...share, directory: written(share.directory) },
    upses,
    upsUser: asked.user && { user: asked.user.user, password: secretIn(password!, written) },
    feeds: await askFeeds(
      means,
      nodes.map(({ name }) => name),
      upses,
    ),
    upgrades: await askUpgrades(means, cluster),
    timeZone: given.timeZone ?? (Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'),
    state: given.state === undefined ? await stateFor(means) : given.state,
  }
  return {
    choices,
    remarks: [
      ...told,
      ...(cluster?.seen.remarks ?? []),
      ...(cluster && !cluster.isAdmin
        ? ['the talosconfig is not of os:admin: images are staged, and no node is upgraded']
        : []),
      ...asked.remarks,
      ...remarks,
      ...remarksOnUpses(upses),
      ...remarksOn(choices),
    ],
    copied: cluster?.isCopied ? cluster : undefined,
    newPassword: asked.newPassword,
  }
}

function kubeconfigOf({ kubeconfig, isCopied }: AskedCluster, written: (path: string) => string): string | undefined {
  if (kubeconfig === undefined) return undefined
  return isCopied ? 'kubeconfig' : written(kubeconfig)
}

/** That of the nodes' images, where they tell. */
function factoryOf({ given }: Means, cluster: AskedCluster | undefined): string | undefined {
  if (given.factory !== undefined) {
    if (URL.canParse(given.factory) && /^https?:/.test(given.factory)) return given.factory
    throw new AgentError(
      'misconfigured',
      `${given.factory} is not the address of a Factory: use ${usualFactory}, or your own`,
    )
  }
  return cluster?.seen.nodes.find(({ machine }) => machine?.factory !== undefined)?.machine?.factory
}

function schematicName(given: string | undefined): string {
  if (given === undefined) return 'homelab'
  if (isName(given)) return given
  throw new AgentError(
    'misconfigured',
    `${given} is not a name for a schematic: use lowercase letters, digits and hyphens`,
  )
}

/** As it is written in a file of this directory: below it relative, else absolute. */
export function pathIn(directory: string, path: string): string {
  const way = relative(directory, path)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : way
}

function secretIn(place: SecretPlace, written: (path: string) => string): SecretPlace {
  if (!('file' in place)) return place
  return { file: place.file === passwordFile ? passwordFile : written(place.file) }
}

/** Which UPSes feed which machine: only a person knows. */
async function askFeeds(
  { given, prompter }: Means,
  machines: readonly string[],
  upses: readonly LabelledUps[],
): Promise<Choices['feeds']> {
  const labels = upses.map(({ label }) => label)
  const unknown = Object.values(given.feeds ?? {})
    .flat()
    .find((label) => !labels.includes(label))
  if (unknown !== undefined)
    throw new AgentError(
      'misconfigured',
      `feeds: there is no UPS ${unknown}; there ${labels.length === 1 ? 'is' : 'are'} ${labels.join(', ') || 'none'}`,
    )
  if (labels.length < 2 || !prompter) return given.feeds ?? {}
  const feeds: Record<string, readonly string[]> = { ...given.feeds }
  let last: readonly string[] = [labels[0]!]
  for (const machine of machines) {
    feeds[machine] ??= await prompter.chooseSeveral(
      `Which UPSes feed ${machine}? (it runs on any of them)`,
      labels,
      last,
    )
    last = feeds[machine]
  }
  return feeds
}

async function askUpgrades(
  { given, prompter, known }: Means,
  cluster: AskedCluster | undefined,
): Promise<UpgradeTimes> {
  // Without os:admin no node can be upgraded.
  if (cluster && !cluster.isAdmin) return 'never'
  if (given.upgrades !== undefined) return given.upgrades
  if (!prompter || !cluster || known.size > 0) return 'weekends'
  return prompter.choose(
    'When may nodes be upgraded? A release is first 7 days old',
    [
      { value: 'weekends', label: 'Saturday and Sunday, 02:00 to 06:00' },
      { value: 'nights', label: 'every night, 02:00 to 06:00' },
      { value: 'always', label: 'at any time' },
      { value: 'never', label: 'never: stage images only' },
    ],
    'weekends',
  )
}

/** Where a service keeps its state; beside the configuration where this user can't write there. */
async function stateFor({ directory }: Means): Promise<string> {
  const mayWrite = (path: string) =>
    access(path, constants.W_OK).then(
      () => true,
      () => false,
    )
  if (process.geteuid?.() === 0 || (await mayWrite(defaultState))) return defaultState
  return pathIn(directory, resolve(join(directory, 'state')))
}

function remarksOn({ cluster, share }: Choices): readonly string[] {
  const silent = cluster?.seen.nodes.filter(({ machine }) => machine === undefined) ?? []
  const noMac = cluster?.seen.nodes.filter(({ machine, macs }) => machine !== undefined && macs.length === 0) ?? []
  return [
    ...silent.map(
      ({ name, trouble }) => `${name} did not answer: ${trouble}. Run \`caretaker init\` again when it does`,
    ),
    ...noMac.map(({ name }) => `${name} tells no MAC address: add its mac, or it is not woken after a power cut`),
    ...(share.server === undefined
      ? [`no TFTP server was found that serves ${share.directory}: name it under share.server, or with --tftp`]
      : []),
    ...(share.server !== undefined && share.prefix !== ''
      ? [`${share.server} serves the share as ${share.prefix}: machines have to boot from there`]
      : []),
  ]
}
