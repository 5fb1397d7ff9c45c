import { parseIpv4 } from '../address.ts'
import type { Way } from './question.ts'

/** What a machine is told on its kernel's command line, so that it asks here. Everybody in the network can read it. */
export interface DeliveryOrder {
  /** How machines reach the door: `https://caretaker.home.arpa:8424`. */
  readonly url: string
  readonly way: Way
  /** Variables whose values it sends. */
  readonly variables: readonly Variable[]
  /** Of `talos.config.early`, as the kernel gets it: what makes Talos trust our certificate. */
  readonly early: string | undefined
}

/** A variable of `talos.config` (siderolabs/talos, metal/url/variable.go). `hostname` and `code` have no value on a new machine. */
export type Variable = 'uuid' | 'mac' | 'serial'

export const clientId = 'caretaker'

/** The arguments, in their order. */
export function deliveryArguments({ url, way, variables, early }: DeliveryOrder): readonly string[] {
  const query = variables.map((one) => `${one}=\${${one}}`).join('&')
  const oauth = [
    `talos.config.oauth.client_id=${clientId}`,
    ...variables.map((one) => `talos.config.oauth.extra_variable=${one}`),
  ]
  return [
    ...(early === undefined ? [] : [`talos.config.early=${early}`]),
    `talos.config=${new URL('/config', url).href}?${query}`,
    ...(way === 'device-flow' ? oauth : []),
  ]
}

/** Whether an argument says where a configuration is, or how it is asked for: it is replaced by ours. */
export function saysWhereToAsk(argument: string): boolean {
  return /^talos\.config(\.oauth\.[a-z_]+)?=/.test(argument)
}

export function earlyValueOf(argument: string): string | undefined {
  return /^talos\.config\.early=(.*)$/.exec(argument)?.[1]
}

/** What is wrong or doubtful with arguments, as sentences. */
export interface ArgumentFindings {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** In characters: the kernel cuts off what is longer (COMMAND_LINE_SIZE of x86 and arm64), without a word. */
const longestLine = 2_048
/** What Talos and its image add themselves. */
const others = 512

/** Judges the arguments as they would be. No value of a secret is repeated. */
export function judgeArguments(given: readonly string[], { url }: Pick<DeliveryOrder, 'url'>): ArgumentFindings {
  const { hostname, protocol } = new URL(url)
  const length = given.join(' ').length + others
  return {
    errors: [
      ...given
        .flatMap(secretIn)
        .map(
          (what) =>
            `${what} would stand on the kernel's command line, which everybody in the network can read from a machine in maintenance: take it out`,
        ),
      ...(length > longestLine
        ? [
            `the kernel takes ${longestLine} characters, and these are ${length} with what Talos adds: it would cut off the rest`,
          ]
        : []),
    ],
    warnings: [
      ...(hostname.startsWith('[') || parseIpv4(hostname) !== undefined
        ? [
            `${hostname} stands in every image from now on: when that address changes, all have to be staged again. A name in machineConfig.url goes on working`,
          ]
        : []),
      ...(protocol === 'http:'
        ? [
            'it is plain HTTP: everybody on the way can read the configuration of a machine, with its secrets; machineConfig.tls: {ca: own} hides it',
          ]
        : []),
    ],
  }
}

/** Which secret an argument carries, for people. */
function secretIn(argument: string): readonly string[] {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(argument) ?? []
  if (value === '') return []
  if (name === 'talos.config.oauth.client_secret') return ['a client secret (talos.config.oauth.client_secret)']
  if (name === 'talos.config.inline') return ['a machine configuration (talos.config.inline)']
  if (name === 'talos.config' && URL.canParse(value)) {
    const { username, password, searchParams } = new URL(value)
    if (username !== '' || password !== '') return ['a user name and password (talos.config)']
    const named = [...searchParams].find(([key, text]) => isSecretName(key) && !/^\$\{[a-z]+\}$/i.test(text))
    return named === undefined ? [] : [`${named[0]} (talos.config)`]
  }
  return isSecretName(name.split('.').at(-1) ?? '') ? [`a secret (${name})`] : []
}

function isSecretName(name: string): boolean {
  return /(^|[._-])(password|passwd|secret|token|api_?key|jointoken)$/i.test(name)
}
