import { patience } from '../../patience.ts'
import type { ClientRequest } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { afterEach, beforeAll, vi } from 'vitest'
import { createAuthority, type Identity, type LabAuthority } from '../authority.ts'
import { createKubernetesApi, type KubernetesApi, type KubernetesApiOptions } from './api.ts'

/** What the API said. */
export interface Answer {
  readonly code: number
  // The tests look into documents of many shapes; a wrong path shows as a failed expectation.
  readonly body: Document
}

/** JSON of any shape. */
export interface Document {
  readonly [field: string]: Document & string & number
}

/** How something is asked, where not as the admin and in JSON. */
export interface Call {
  readonly type?: string
  readonly headers?: Record<string, string>
  readonly as?: Identity | 'nobody'
  readonly signal?: AbortSignal
}

/** What a watch told. */
export interface WatchEvent {
  readonly type: string
  readonly object: Document
}

/** An API of the lab that ends with the test, and an admin who asks it. */
export interface KubernetesClient {
  readonly authority: LabAuthority
  /** Starts an API with cp-1, w-1 and w-2. */
  homelab(options?: Partial<KubernetesApiOptions>): Promise<KubernetesApi>
  ask(method: string, path: string, body?: unknown, call?: Call): Promise<Answer>
  get(path: string): Promise<Answer>
  patch(path: string, body: unknown, type?: string): Promise<Answer>
  cordon(node: string): Promise<Answer>
  evict(name: string, deleteOptions?: object): Promise<Answer>
  /** What is told from now on is added to the answer. */
  watch(path: string): WatchEvent[]
}

/** What `patch` sends unless told otherwise: null removes. */
export const merge = 'application/merge-patch+json'
/** What kubectl sends: lists are merged by their keys. */
export const strategic = 'application/strategic-merge-patch+json'

/** Files run at the same time: each has an address of its own. */
export function createKubernetesClient(address: string): KubernetesClient {
  const watches: ClientRequest[] = []
  const running: KubernetesApi[] = []
  let authority: LabAuthority
  let admin: Identity

  beforeAll(async () => {
    authority = await createAuthority('kubernetes')
    admin = await authority.issueClient({ common: 'admin', organizations: ['system:masters'] })
  })

  afterEach(async () => {
    for (const api of running.splice(0)) await api[Symbol.asyncDispose]()
    watches.splice(0).forEach((call) => call.destroy())
  })

  async function homelab(options: Partial<KubernetesApiOptions> = {}): Promise<KubernetesApi> {
    const api = createKubernetesApi({ address, authority, ...options })
    running.push(api)
    api.addNode({ name: 'cp-1', role: 'controlplane', address: '10.0.0.1' })
    api.addNode({ name: 'w-1', role: 'worker', address: '10.0.0.11' })
    api.addNode({ name: 'w-2', role: 'worker', address: '10.0.0.12' })
    await api.start()
    return api
  }

  function ask(method: string, path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    const { type = 'application/json', headers = {}, as = admin, signal } = call
    const document = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = {
      host: address,
      port: 6443,
      method,
      path,
      ca: authority.ca,
      agent: false,
      ...(as !== 'nobody' && as),
      ...(signal !== undefined && { signal }),
      headers: { ...headers, ...(document !== undefined && framing(document, type)) },
    }
    return new Promise((resolve, reject) => {
      const call = request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          const json = response.headers['content-type'] === 'application/json'
          resolve({ code: response.statusCode ?? 0, body: json ? JSON.parse(text) : { text } })
        })
      })
      call.on('error', reject)
      call.end(document)
    })
  }

  const get = (path: string) => ask('GET', path)
  const patch = (path: string, body: unknown, type = merge) => ask('PATCH', path, body, { type })
  const cordon = (node: string) => patch(`/api/v1/nodes/${node}`, { spec: { unschedulable: true } }, strategic)
  const evict = (name: string, deleteOptions?: object) =>
    ask('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace: 'default' },
      deleteOptions,
    })

  function watch(path: string): WatchEvent[] {
    const events: WatchEvent[] = []
    const call = request({ host: address, port: 6443, path, ca: authority.ca, agent: false, ...admin }, (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) events.push(JSON.parse(line))
      })
      // The server ends it, or the test does.
      response.on('error', () => {})
    })
    call.on('error', () => {})
    call.end()
    watches.push(call)
    return events
  }

  return {
    get authority() {
      return authority
    },
    homelab,
    ask,
    get,
    patch,
    cordon,
    evict,
    watch,
  }
}

function framing(document: string, type: string): Record<string, string | number> {
  // Node sends a DELETE's body without saying how long it is, which is then the next request's beginning.
  return { 'content-type': type, 'content-length': Buffer.byteLength(document) }
}

/** What was done to nodes and pods, in order. */
export const texts = (api: KubernetesApi) => api.diary.map(({ text }) => text)

/** The pod of this name, while there is one. */
export const podOf = (api: KubernetesApi, name: string) => api.pods().find(({ metadata }) => metadata.name === name)

/** Whether the pod of this name is there and ready. */
export const isReady = (api: KubernetesApi, name: string) =>
  podOf(api, name)?.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')

/** An app's pods: name, node, phase. */
export const placesOf = (api: KubernetesApi, app: string) =>
  api
    .pods()
    .filter(({ metadata }) => metadata.labels?.['app'] === app)
    .map((pod) => `${pod.metadata.name} ${pod.spec.nodeName ?? '-'} ${pod.status.phase}`)

/** Waits for a condition of the API. */
export const until = (condition: () => unknown) => vi.waitUntil(() => Boolean(condition()), patience)
