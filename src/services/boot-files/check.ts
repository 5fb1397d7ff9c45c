import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../../core/errors.ts'
import { choosePlaces, type Place } from '../../core/netboot/places.ts'
import { askDaemon } from '../../http/ask-daemon.ts'
import { whyUnusable } from '../../http/certificate.ts'
import type { CheckContext, SectionFault } from '../../operations/service.ts'
import { judgeCertificates } from './certificate.ts'
import { describeListenFault, listenFaultOf } from './faults.ts'
import type { ListenFault } from './messages.ts'
import type { BootFilesSection } from './section.ts'

/** What is wrong with the section, with what it names, and with where it wants to listen. */
export async function checkBootFiles({
  section,
  files,
}: CheckContext<BootFilesSection | undefined>): Promise<readonly SectionFault[]> {
  if (section === undefined) return []
  const { places, missing } = choosePlaces(section.listen, networkInterfaces())
  const faults: SectionFault[] = missing.map((why) => ({ setting: 'bootFiles.listen', why }))
  if (section.tftp === false && section.http === undefined)
    faults.push({ setting: 'bootFiles.tftp', why: 'nothing is served: set bootFiles.http, or leave this out' })
  const tls = section.http?.tls
  if (tls) faults.push(...(await checkTls(tls, files)))
  return [...faults, ...(await checkPorts(section, places, files.state))]
}

type Tls = NonNullable<NonNullable<BootFilesSection['http']>['tls']>

async function checkTls(tls: Tls, files: CheckContext['files']): Promise<readonly SectionFault[]> {
  const faults: SectionFault[] = []
  const read = (of: keyof Tls) =>
    files.readSecret({ file: tls[of] }, 'it').catch((error: unknown) => {
      faults.push({ setting: `bootFiles.http.tls.${of}`, why: messageOf(error) })
      return undefined
    })
  const [cert, key] = [await read('certificate'), await read('key')]
  if (cert !== undefined) faults.push(...judgeCertificates(cert, Date.now()))
  if (cert === undefined || key === undefined || faults.some(({ severity }) => severity === undefined)) return faults
  const fault = whyUnusable({ cert, key }, tls)
  return fault ? [...faults, { setting: `bootFiles.http.tls.${fault.of}`, why: fault.why }] : faults
}

async function checkPorts(
  { tftp, http }: BootFilesSection,
  places: readonly Place[],
  state: string,
): Promise<readonly SectionFault[]> {
  const tries = places.flatMap(({ address, family }) => [
    ...(tftp === false ? [] : [{ port: tftp.port, fault: tryUdp(address, family, tftp.port) }]),
    ...(http === undefined ? [] : [{ port: http.port, fault: tryTcp(address, http.port) }]),
  ])
  const found: SectionFault[] = []
  let isOurs: boolean | undefined
  for (const { port, fault } of tries) {
    const why = await fault
    if (!why) continue
    // The daemon that runs has them, and is to go on.
    isOurs ??= (await askDaemon(state))?.running.includes('boot-files') === true
    if (why.code === 'EADDRINUSE' && isOurs) continue
    const described = await describeListenFault(why, port)
    // The daemon may have a right that whoever checks has not.
    found.push(why.code === 'EACCES' ? { ...described, severity: 'warning' } : described)
  }
  return found
}

/** Tries it for a moment. */
function tryUdp(address: string, family: Place['family'], port: number): Promise<ListenFault | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(family === 'IPv6' ? 'udp6' : 'udp4')
    const end = (fault?: ListenFault) => {
      socket.close()
      resolve(fault)
    }
    socket.once('error', (error) => end(listenFaultOf('tftp', error, address)))
    socket.bind({ address, port, exclusive: true }, () => end())
  })
}

function tryTcp(address: string, port: number): Promise<ListenFault | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(listenFaultOf('http', error, address)))
    server.listen({ host: address, port }, () => server.close(() => resolve(undefined)))
  })
}
