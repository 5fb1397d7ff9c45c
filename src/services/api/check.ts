import { createServer } from 'node:net'
import { describeLife, stageOf } from '../../core/certificate-life.ts'
import { messageOf } from '../../core/errors.ts'
import { askDaemon } from '../../http/ask-daemon.ts'
import { whoListens } from '../../http/port-holder.ts'
import type { CheckContext, SectionFault } from '../../operations/service.ts'
import { isLoopback, isPublic, isWildcard } from '../../http/addresses.ts'
import { isFor, lifeOf, whyUnusable } from '../../http/certificate.ts'
import { canonicalName } from './host-name.ts'
import type { ApiSection } from './section.ts'
import { hashOfToken, whyUnusableToken } from './tokens.ts'

const doubtful = (setting: string, why: string): SectionFault => ({ setting, why, severity: 'warning' })

/** What is wrong with the section, with what it names, and with where it wants to listen. */
export async function checkApi({
  section,
  files,
}: CheckContext<ApiSection | undefined>): Promise<readonly SectionFault[]> {
  if (section === undefined) return []
  const found = await Promise.all([checkPlace(section, files), checkTls(section, files), checkTokens(section, files)])
  return [...found.flat(), ...checkUrl(section), ...checkProxy(section)]
}

type Files = CheckContext['files']

async function checkPlace(section: ApiSection, files: Files): Promise<readonly SectionFault[]> {
  const { address, port, tls } = section
  const why = await whyNotListening(address, port)
  const isOurs = why?.code === 'EADDRINUSE' && (await isOwnPort(files, section))
  const isHere = isLoopback(address) || canonicalName(address) === 'localhost'
  const inTheClear = `everybody in the network can read tokens on their way to ${address}: set it, or listen on 127.0.0.1 and let a reverse proxy serve TLS`
  return [
    ...(why && !isOurs ? [await describeListenFault(why, section)] : []),
    ...(isHere || tls ? [] : [doubtful('api.tls', inTheClear)]),
  ]
}

/** Why nothing can listen where the section wants it, and what to do. */
export async function describeListenFault(
  why: NodeJS.ErrnoException,
  { address, port }: Pick<ApiSection, 'address' | 'port'>,
): Promise<SectionFault> {
  if (why.code === 'EADDRINUSE') {
    const holder = await whoListens(port, { address })
    const who = holder ? `${holder.name} (process ${holder.pid})` : 'another program'
    return {
      setting: 'api.port',
      why: `port ${port} of ${address} is in use by ${who}: stop that, or choose another port`,
    }
  }
  if (why.code === 'EACCES')
    return { setting: 'api.port', why: `this user may not listen on port ${port}: use one above 1023` }
  if (why.code === 'EADDRNOTAVAIL' || why.code === 'ENOTFOUND')
    return {
      setting: 'api.address',
      why: `${address} is not an address of this machine: 0.0.0.0 means all that it has`,
    }
  return { setting: 'api.address', why: `nothing can listen on ${address}: ${messageOf(why)}` }
}

/** Tries it for a moment. */
function whyNotListening(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

/** Whether it is the daemon of this state directory that listens there: it runs then, and is to go on. */
async function isOwnPort({ state }: Files, { address, port }: Pick<ApiSection, 'address' | 'port'>): Promise<boolean> {
  const daemon = await askDaemon(state)
  if (!daemon) return false
  const holder = await whoListens(port, { address })
  return holder ? holder.pid === daemon.pid : daemon.running.includes('api')
}

async function checkTls({ tls, url }: ApiSection, files: Files): Promise<readonly SectionFault[]> {
  if (!tls) return []
  const faults: SectionFault[] = []
  const read = async (of: 'certificate' | 'key') =>
    files.readSecret({ file: tls[of] }, 'it').catch((error: unknown) => {
      faults.push({ setting: `api.tls.${of}`, why: messageOf(error) })
      return ''
    })
  const material = { cert: await read('certificate'), key: await read('key') }
  if (faults.length > 0) return faults
  const fault = whyUnusable(material, tls)
  if (fault) return [{ setting: `api.tls.${fault.of}`, why: fault.why }]
  const life = lifeOf(material)
  const stage = stageOf(life, Date.now())
  const found: SectionFault[] = []
  if (stage === 'ended' || stage === 'not-begun')
    found.push({
      setting: 'api.tls.certificate',
      why: describeLife(`the certificate in ${tls.certificate}`, life, stage),
    })
  const name = url === undefined ? undefined : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  if (name !== undefined && !isFor(material, name))
    found.push(
      doubtful('api.tls.certificate', `the certificate in ${tls.certificate} is not for ${name}, which api.url names`),
    )
  return found
}

async function checkTokens({ tokens }: ApiSection, files: Files): Promise<readonly SectionFault[]> {
  const found: SectionFault[] = []
  const known = new Map<string, string>()
  const names = new Set<string>()
  for (const [index, { name, token }] of tokens.entries()) {
    const setting = `api.tokens.${index}`
    if (names.has(name)) found.push({ setting: `${setting}.name`, why: `there is another token ${name}` })
    names.add(name)
    const text = await files.readSecret(token, 'it').catch((error: unknown) => {
      found.push({ setting: `${setting}.token`, why: messageOf(error) })
    })
    if (text === undefined) continue
    const why = whyUnusableToken(text)
    if (why !== undefined) found.push({ setting: `${setting}.token`, why: `the token ${name} ${why}` })
    const hash = hashOfToken(text).toString('hex')
    const other = known.get(hash)
    if (other !== undefined) found.push({ setting: `${setting}.token`, why: `it is the same as the token ${other}` })
    known.set(hash, name)
  }
  return found
}

function checkUrl({ url, tls, address }: ApiSection): readonly SectionFault[] {
  if (url === undefined) return []
  const { protocol, hostname } = new URL(url)
  const name = hostname.replace(/^\[(.*)\]$/, '$1')
  if (protocol === 'http:' && tls)
    return [doubtful('api.url', `with api.tls it is served by https: write ${url.replace(/^http:/, 'https:')}`)]
  if (protocol === 'http:' && isPublic(name))
    return [
      doubtful('api.url', `${name} looks public, and without TLS everybody on the way can read tokens: use https`),
    ]
  if (protocol === 'https:' && !tls && !isLoopback(address) && !isWildcard(address))
    return [doubtful('api.url', `it says https, and without api.tls only a reverse proxy can serve that`)]
  return []
}

/** Headers that say something else already. */
const taken =
  /^(authorization|cookie|host|origin|forwarded|via|content-.*|x-forwarded-.*|sec-.*|connection|transfer-encoding)$/i

function checkProxy({ proxy }: ApiSection): readonly SectionFault[] {
  if (!proxy) return []
  const everybody = proxy.from.findIndex((network) => network.endsWith('/0'))
  return [
    ...(everybody < 0
      ? []
      : [{ setting: `api.proxy.from.${everybody}`, why: 'everybody could say who they are: name the proxy alone' }]),
    ...(taken.test(proxy.header)
      ? [
          {
            setting: 'api.proxy.header',
            why: `${proxy.header} means something else in HTTP: use one such as Remote-User`,
          },
        ]
      : []),
  ]
}
