import { X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../../core/errors.ts'
import { choosePlaces, type Place } from '../../core/netboot/places.ts'
import { askDaemon } from '../../http/ask-daemon.ts'
import type { CheckContext, SectionFault } from '../../operations/service.ts'
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
  for (const of of tls ? (['certificate', 'key'] as const) : [])
    await files.readSecret({ file: tls![of] }, 'it').then(
      (pem) => {
        if (of === 'certificate') faults.push(...judgeCertificate(pem))
      },
      (error: unknown) => void faults.push({ setting: `bootFiles.http.tls.${of}`, why: messageOf(error) }),
    )
  return [...faults, ...(await checkPorts(section, places, files.state))]
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

/**
 * What firmware makes of the certificate. EDK2 was long built without elliptic curves: OVMF 2022.11 was seen to hang up on a server
 * with one of P-256, and to take one of RSA.
 */
function judgeCertificate(pem: string): readonly SectionFault[] {
  const setting = 'bootFiles.http.tls.certificate'
  try {
    const { asymmetricKeyType } = new X509Certificate(pem).publicKey
    if (asymmetricKeyType === 'rsa') return []
    const why = `its key is of the kind ${asymmetricKeyType}, and much firmware knows RSA alone: use a certificate with an RSA key, signed by an authority with one`
    return [{ setting, severity: 'warning', why }]
  } catch (error) {
    return [{ setting, why: `it is no certificate in PEM: ${messageOf(error)}` }]
  }
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
