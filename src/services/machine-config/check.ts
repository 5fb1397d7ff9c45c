import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describeLife, stageOf } from '../../core/certificate-life.ts'
import { messageOf } from '../../core/errors.ts'
import { choosePlaces } from '../../core/netboot/places.ts'
import { hostIn } from '../../core/provision/delivery-url.ts'
import { askDaemon } from '../../http/ask-daemon.ts'
import { isFor, lifeOf, whyUnusable } from '../../http/certificate.ts'
import type { CheckContext, SectionFault } from '../../operations/service.ts'
import { describeListenFault } from './listening.ts'
import type { MachineConfigSection } from './section.ts'

const doubtful = (setting: string, why: string): SectionFault => ({ setting, why, severity: 'warning' })

/** What is wrong with the section, with what it names, and with where it wants to listen. */
export async function checkMachineConfig({
  section,
  files,
}: CheckContext<MachineConfigSection | undefined>): Promise<readonly SectionFault[]> {
  if (section === undefined) return []
  const { places, missing } = choosePlaces(section.listen, networkInterfaces())
  const faults = missing.map((why): SectionFault => ({ setting: 'machineConfig.listen', why }))
  for (const { address } of places) {
    const error = await tryTcp(address, section.port)
    if (!error) continue
    // The daemon that runs has it, and is to go on.
    const isOurs = error.code === 'EADDRINUSE' && (await askDaemon(files.state))?.running.includes('machine-config')
    if (isOurs !== true) faults.push(await describeListenFault(error, address, section.port))
  }
  return [...faults, ...(await checkTls(section, files)), ...checkUrl(section)]
}

function tryTcp(address: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host: address, port }, () => server.close(() => resolve(undefined)))
  })
}

async function checkTls(
  { tls, url }: MachineConfigSection,
  files: CheckContext['files'],
): Promise<readonly SectionFault[]> {
  if (tls === undefined)
    return [
      doubtful(
        'machineConfig.tls',
        'everybody on the way can read what machines get, keys of the cluster among it: set {ca: own}, or name files',
      ),
    ]
  if ('ca' in tls) return []
  const faults: SectionFault[] = []
  const read = (of: 'certificate' | 'key') =>
    files.readSecret({ file: tls[of] }, 'it').catch((error: unknown) => {
      faults.push({ setting: `machineConfig.tls.${of}`, why: messageOf(error) })
      return ''
    })
  const material = { cert: await read('certificate'), key: await read('key') }
  if (faults.length > 0) return faults
  const fault = whyUnusable(material, tls)
  if (fault) return [{ setting: `machineConfig.tls.${fault.of}`, why: fault.why }]
  const life = lifeOf(material)
  const stage = stageOf(life, Date.now())
  const where = `the certificate in ${tls.certificate}`
  return [
    ...(stage === 'ended' || stage === 'not-begun'
      ? [{ setting: 'machineConfig.tls.certificate', why: describeLife(where, life, stage) }]
      : []),
    ...(url !== undefined && !isFor(material, hostIn(url))
      ? [{ setting: 'machineConfig.tls.certificate', why: `${where} is not for ${hostIn(url)}: machines refuse it` }]
      : []),
  ]
}

function checkUrl({ url, tls }: MachineConfigSection): readonly SectionFault[] {
  if (url === undefined) return []
  const isSecure = new URL(url).protocol === 'https:'
  if (isSecure && tls === undefined)
    return [{ setting: 'machineConfig.url', why: 'it says https, and without machineConfig.tls it is served by http' }]
  if (!isSecure && tls !== undefined)
    return [{ setting: 'machineConfig.url', why: `it is served by https: write ${url.replace(/^http:/i, 'https:')}` }]
  return []
}
