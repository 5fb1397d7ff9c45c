import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { createTalos } from '../../src/adapters/talos/talos.ts'
import { parseTalosconfig } from '../../src/adapters/talos/talosconfig.ts'
import type { Entry } from '../../src/core/journal.ts'
import type { Rollout } from '../../src/core/upgrade/record.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type ConfigOverrides, type Homelab, type HomelabOptions, startHomelab } from '../lab/homelab.ts'
import type { TalosNode } from '../lab/talos/types.ts'
import { soon } from '../patience.ts'

/** A homelab, a configuration for it, and whoever else has a hand in it. */
export interface RolloutLab extends AsyncDisposable {
  readonly lab: Homelab
  readonly person: Person
  /** Snapshots of etcd that were asked for so far. */
  readonly snapshots: number
  /** Starts a daemon; `another` is one more, with a state directory of its own. */
  start(options?: { readonly another?: boolean }): Promise<LabDaemon>
  /** What has happened in the lab from now on. */
  watch(): Watch
}

/** What a person does beside the daemon, with tools of their own. */
export interface Person {
  cordon(node: string): Promise<void>
  uncordon(node: string): Promise<void>
  reboot(node: string): Promise<void>
}

/** What the lab has seen since the watch began. */
export interface Watch {
  readonly snapshots: number
  /** Orders that the node was given, as `MachineService.Reboot`. */
  calls(node: TalosNode): readonly string[]
  /** How often it has booted. */
  boots(node: TalosNode): number
  /** What was done to nodes and pods by the daemon, as `cordon w-1`. */
  diary(): readonly string[]
  /** Moments with two nodes down, or without quorum where it could have been kept. */
  breaches(): readonly string[]
}

export interface RolloutLabOptions extends HomelabOptions {
  readonly upgrade?: ConfigOverrides['upgrade']
}

/** Three control planes and a worker that are quick, with a configuration that is in no hurry to give up. */
export async function startRolloutLab({ upgrade, ...options }: RolloutLabOptions): Promise<RolloutLab> {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'caretaker-rollout-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const lab = stack.use(
    await startHomelab({
      workers: 1,
      ...options,
      pace: { pull: 20, install: 60, stop: 50, boot: 60, settle: 60, ...options.pace },
    }),
  )
  const bootIds = new Map(lab.nodes.map((node) => [node.name, [node.bootId]]))
  for (const node of lab.nodes) {
    const seen = bootIds.get(node.name)!
    stack.defer(
      node.onChange(() => {
        if (seen.at(-1) !== node.bootId) seen.push(node.bootId)
      }),
    )
  }
  let snapshots = 0
  const takeSnapshot = lab.etcd.snapshot
  lab.etcd.snapshot = () => {
    snapshots++
    return takeSnapshot()
  }

  const prepare = async (owner: AsyncDisposableStack, name: string) => {
    const directory = join(root, name)
    await mkdir(directory)
    owner.defer(() => endStore(directory))
    const config = await lab.writeConfig(directory, {
      upgrade: { settle: '150ms', retryAfter: '300ms', ...upgrade },
    })
    return { directory, config }
  }
  const own = await prepare(stack, 'own')
  const person = await personOf(lab, own.directory)
  const parts = stack.move()

  return {
    lab,
    person,
    get snapshots() {
      return snapshots
    },
    start: async ({ another = false } = {}) =>
      parts.use(await startDaemon({ pollEvery: 120, ...(another ? await prepare(parts, 'another') : own) })),
    watch() {
      const from = {
        calls: new Map(lab.nodes.map(({ name, calls }) => [name, calls.length])),
        boots: new Map([...bootIds].map(([name, ids]) => [name, ids.length])),
        diary: lab.kubernetes.diary.length,
        moments: lab.moments.length,
        snapshots,
      }
      const controlPlanes = lab.nodes.filter(({ role }) => role === 'controlplane').length
      return {
        get snapshots() {
          return snapshots - from.snapshots
        },
        calls: ({ name, calls }) => calls.slice(from.calls.get(name)).map(({ method }) => method),
        boots: ({ name }) => bootIds.get(name)!.length - from.boots.get(name)!,
        diary: () =>
          lab.kubernetes.diary
            .slice(from.diary)
            .filter(({ by }) => by === 'caretaker')
            .map(({ text }) => text),
        breaches: () =>
          lab.moments
            .slice(from.moments)
            .flatMap(({ quorum, down }) => [
              ...(quorum || controlPlanes < 3 ? [] : [`no quorum, with ${down.join(', ')} down`]),
              ...(down.length > 1 ? [`${down.join(', ')} are down`] : []),
            ]),
      }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** kubectl and talosctl of an admin. */
export async function personOf(lab: Homelab, directory: string): Promise<Person> {
  const { clusters, users } = parse(await lab.kubernetes.kubeconfig({ user: 'person' })) as {
    clusters: [{ cluster: Record<string, string> }]
    users: [{ user: Record<string, string> }]
  }
  const pem = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString()
  const access = {
    ca: pem(clusters[0].cluster['certificate-authority-data']),
    cert: pem(users[0].user['client-certificate-data']),
    key: pem(users[0].user['client-key-data']),
  }
  const file = join(directory, 'talosconfig')
  const talos = createTalos({ nodes: lab.nodes, credentials: parseTalosconfig(await readFile(file, 'utf8'), file) })

  function patch(node: string, body: object): Promise<void> {
    const document = JSON.stringify(body)
    const headers = {
      'content-type': 'application/merge-patch+json',
      'content-length': Buffer.byteLength(document),
    }
    const url = new URL(`/api/v1/nodes/${node}`, clusters[0].cluster['server'])
    return new Promise((resolve, reject) => {
      request(url, { ...access, method: 'PATCH', agent: false, headers }, (response) => {
        response.resume().once('end', () => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`PATCH ${url.pathname}: ${response.statusCode}`))
        })
      })
        .once('error', reject)
        .end(document)
    })
  }

  return {
    cordon: (node) => patch(node, { spec: { unschedulable: true } }),
    uncordon: (node) => patch(node, { spec: { unschedulable: null } }),
    reboot: (node) => talos.reboot(node, 'default', soon()),
  }
}

/** Has the Factory publish a release, and the daemon look as soon as its queue runs: the socket answers before that. */
export async function publish({ lab }: RolloutLab, daemon: LabDaemon, release: string): Promise<void> {
  lab.factory.publish(release)
  await watchReleases(daemon)
}

/** Runs the job as soon as the queue takes it. */
export async function watchReleases({ control }: LabDaemon, { wait }: { readonly wait?: boolean } = {}): Promise<void> {
  await waitFor('the queue to run', 20_000, () =>
    control.post('/jobs/watch-releases/run', wait ? { wait } : undefined).then(
      () => true,
      (error: unknown) => {
        if (/the queue is not running/.test(String(error))) return false
        throw error
      },
    ),
  )
}

/** As soon as the lab sees it: what comes next in the daemon may be only a few ms away. */
export const asSoonAs = (what: string, isSo: () => boolean | Promise<boolean>) => waitFor(what, 40_000, isSo, 5)

/** The newest rollout on record is over, and every node runs its release. */
export async function isOver({ lab }: RolloutLab, daemon: LabDaemon, release: string): Promise<boolean> {
  if (!lab.nodes.every(({ version, ready }) => version === release && ready)) return false
  const [newest] = await daemon.control.list<Rollout>('/rollouts')
  return newest?.release === release && newest.outcome === 'done'
}

/** Oldest first. */
export async function journalOf({ control }: LabDaemon): Promise<readonly Entry[]> {
  return (await control.list<Entry>('/journal?limit=2000')).toReversed()
}

/** What is left of anybody's work on a node: its cordon, and our words. */
export function tracesOn({ lab }: RolloutLab, name: string): readonly string[] {
  const { spec, metadata } = lab.kubernetes.node(name)!
  const words = Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith('caretaker.homelab/'))
  return [...(spec.unschedulable ? ['cordoned'] : []), ...words]
}
