import { createApi } from '../adapters/kubernetes/api.ts'
import { describeCredential, lifeOf, lifeOfCertificate } from '../adapters/kubernetes/entry.ts'
import {
  type Access,
  groupsOf,
  handedOut,
  hasEmbeddedClient,
  parseKubeconfig,
  withClientCertificate,
} from '../adapters/kubernetes/kubeconfig.ts'
import { createTalos, type TalosAdapter } from '../adapters/talos/talos.ts'
import {
  type Credentials,
  newByCommand,
  newFromSecrets,
  parseTalosconfig,
  withTalosClient,
} from '../adapters/talos/talosconfig.ts'
import type { Config } from '../config/config.ts'
import { renewalFault } from '../core/certificate-life.ts'
import { AgentError } from '../core/errors.ts'
import { adminGroup, isAdminAccess, newAccess, type Sourced } from './credentials.ts'
import type { KeptFile } from './kept-file.ts'
import { persist, type Renewable, type RenewableState } from './renewal.ts'

/** How long one control plane may take to answer, in ms. */
const within = 5_000
/** The shortest lifetime that is requested, in ms. */
const shortestLife = 3_600_000

export interface RenewableOptions<T> {
  readonly kept: KeptFile<Sourced<T>>
  readonly talos: TalosAdapter
  readonly config: Config
}

/** Missing credentials have no expiry. */
const absent: RenewableState = { what: 'nothing', life: undefined, obstacle: () => undefined, advice: () => '' }

/** The talosconfig: a control plane makes a new certificate with the same roles and for as long a life. */
export function renewableTalos({ kept, talos, config }: RenewableOptions<Credentials>): Renewable {
  return {
    name: 'talosconfig',
    async observe() {
      const present = await kept.current().catch(() => undefined)
      if (!present) return absent
      const { value, file, copyFile, isCopy } = present
      return {
        what: `the client certificate in ${isCopy ? copyFile : file}`,
        life: lifeOfCertificate(value.cert),
        obstacle: (stage) => {
          if (stage === 'ended') return 'nodes no longer accept it'
          return value.roles.includes('os:admin') ? undefined : 'only one with os:admin is renewed automatically'
        },
        advice: (stage) => (stage === 'ended' ? newFromSecrets : newByCommand(value.roles)),
      }
    },
    async renew(now, signal) {
      const source = await kept.reread()
      const { value, own, file, text } = source
      const { context } = config.cluster
      const life = lifeOfCertificate(value.cert)
      const order = { roles: value.roles, ttl: Math.max(life.to - life.from, shortestLife) }
      const [node, client] = await fromControlPlane(config, (name) =>
        talos.clientConfiguration(name, order, AbortSignal.any([signal, AbortSignal.timeout(within)])),
      )
      const renewed = withTalosClient(text, file, context, client)
      const fresh = parseTalosconfig(renewed, `the talosconfig of ${node}`, context)
      const fault = renewalFault(
        { ...life, ca: value.ca, names: value.roles },
        { ...lifeOfCertificate(fresh.cert), ca: client.ca, names: fresh.roles },
        now,
      )
      if (fault !== undefined) throw new AgentError('rejected', fault)
      // Only working credentials may replace the current ones.
      await createTalos({ nodes: config.nodes, credentials: fresh }).version(
        node,
        AbortSignal.any([signal, AbortSignal.timeout(within)]),
      )
      const where = await persist(source, own.cert, { inPlace: renewed, copy: renewed })
      await kept.reread()
      return where
    },
  }
}

/** The kubeconfig: a control plane hands out another one for its admin, whose certificate is taken. */
export function renewableKubernetes({
  kept,
  keptTalos,
  talos,
  config,
}: RenewableOptions<Access> & { readonly keptTalos: KeptFile<Sourced<Credentials>> }): Renewable {
  return {
    name: 'kubeconfig',
    async observe() {
      const present = await kept.current().catch(() => undefined)
      if (!present) return absent
      const { value, file } = present
      const { cert } = value
      // A token in a file is renewed by its writer.
      const rotates = cert === undefined && value.files?.some((path) => path !== file) === true
      const life = lifeOf(value)
      return {
        what: describeCredential(value),
        life: rotates || life?.from === 0 ? undefined : life,
        obstacle: () => {
          if (cert === undefined) return 'tokens are not renewed automatically'
          if (!isAdminAccess(value)) return `only one of ${adminGroup} is renewed automatically`
          const isAdmin = keptTalos.last?.value.roles.includes('os:admin') === true
          return isAdmin ? undefined : 'it is renewed automatically only with an os:admin talosconfig'
        },
        advice: () => newAccess(value, file),
      }
    },
    async renew(now, signal) {
      const source = await kept.reread()
      const { value, own, file, text } = source
      if (value.cert === undefined || own.cert === undefined)
        throw new AgentError('rejected', `${file} no longer has a client certificate`)
      const [node, issued] = await fromControlPlane(config, (name) =>
        talos.kubeconfig(name, AbortSignal.any([signal, AbortSignal.timeout(within)])),
      )
      const { cert, key, ca } = parseKubeconfig(issued, `the kubeconfig of ${node}`, handedOut)
      if (cert === undefined || key === undefined)
        throw new AgentError('malformed', `the kubeconfig of ${node} has no client certificate`)
      const fault = renewalFault(
        { ...lifeOfCertificate(value.cert), ca: value.ca ?? '', names: groupsOf(value.cert) },
        { ...lifeOfCertificate(cert), ca: ca ?? '', names: groupsOf(cert) },
        now,
      )
      if (fault !== undefined) throw new AgentError('rejected', fault)
      using api = createApi({ ...value, cert, key })
      await api.send({
        method: 'GET',
        path: '/version',
        signal: AbortSignal.any([signal, AbortSignal.timeout(within)]),
      })
      const renewed = withClientCertificate(text, file, { cert, key, ca: value.ca })
      const where = await persist(source, own.cert, {
        inPlace: hasEmbeddedClient(text) ? renewed : undefined,
        copy: renewed,
      })
      await kept.reread()
      return where
    },
  }
}

/** Asks one control plane after the other until one answers. */
async function fromControlPlane<T>({ nodes }: Config, ask: (node: string) => Promise<T>): Promise<[string, T]> {
  let last: unknown = new AgentError('misconfigured', 'no control plane node is configured')
  for (const { name, role } of nodes) {
    if (role !== 'controlplane') continue
    try {
      return [name, await ask(name)]
    } catch (error) {
      last = error
    }
  }
  throw last
}
