import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Lan } from './lan.ts'

const run = promisify(execFile)

/** A kind of machine, by its firmware. */
export type Firmware = 'ovmf' | 'ovmf-secure' | 'aavmf'

export interface MachineOptions {
  readonly firmware: Firmware
  /** What its firmware keeps goes there. */
  readonly folder: string
  readonly tap: string
  readonly mac: string
  readonly megabytes: number
  /** Its network card brings iPXE along, which takes over from the firmware. */
  readonly hasIpxe?: boolean
  /** PXE over IPv4 is switched off in its setup, so that HTTP boot is next. */
  readonly isHttpOnly?: boolean
  /** A certificate whose signatures SecureBoot believes, and one that HTTPS boot does; PEM files. */
  readonly signer?: string | undefined
  readonly authority?: string | undefined
  /** How long it may run, in ms. */
  readonly limit: number
}

const kinds = {
  ovmf: { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  'ovmf-secure': { code: '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  aavmf: { code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' },
} as const satisfies Readonly<Record<Firmware, { readonly code: string; readonly variables: string }>>

/** Why such a machine can't be had here; undefined where it can. */
export function whyNoMachine(firmware: Firmware): string | undefined {
  const program = firmware === 'aavmf' ? 'qemu-system-aarch64' : 'qemu-system-x86_64'
  const packages = firmware === 'aavmf' ? 'qemu-system-arm and qemu-efi-aarch64' : 'qemu-system-x86 and ovmf'
  const { code } = kinds[firmware]
  if (!existsSync(`/usr/bin/${program}`) || !existsSync(code)) return `${packages} are not installed`
  return firmware === 'ovmf-secure' && spawnSync('virt-fw-vars', ['--help']).error
    ? 'virt-fw-vars, of virt-firmware, is not there'
    : undefined
}

/** Switches a machine on, and answers what its serial console showed until it was off again, or for as long as it may run. */
export async function runMachine(lan: Lan, options: MachineOptions): Promise<string> {
  const { firmware, folder, tap, mac, megabytes, limit } = options
  const { code, variables } = kinds[firmware]
  const own = join(folder, 'variables.fd')
  await copyFile(variables, own)
  if (options.signer !== undefined) await enroll(own, options.signer)
  const words = [
    `netns exec ${lan.namespace('lan')} ${boardOf(firmware)} -m ${megabytes} -uuid 564d0000-0000-4000-8000-525400123456`,
    '-nodefaults -display none -monitor none -no-reboot -serial stdio -device virtio-rng-pci',
    `-drive if=pflash,format=raw,unit=0,readonly=on,file=${code}`,
    `-netdev tap,id=n0,ifname=${tap},script=no,downscript=no`,
    // Without a ROM of its own: iPXE would take over, and replace the command line in the image.
    `-device virtio-net-pci,netdev=n0,mac=${mac},${options.hasIpxe ? '' : 'romfile=,'}bootindex=1`,
    off('IPv6'),
    ...(options.isHttpOnly ? [off('IPv4')] : []),
  ].flatMap((line) => line.split(' '))
  const authorities = join(folder, 'authorities.bin')
  if (options.authority !== undefined) await writeFile(authorities, await signatureList(options.authority))
  const machine = spawn(
    'ip',
    [
      ...words,
      // The folder has a space in its name.
      '-drive',
      `if=pflash,format=raw,unit=1,file=${own}`,
      ...(options.authority === undefined ? [] : ['-fw_cfg', `name=etc/edk2/https/cacerts,file=${authorities}`]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const late = setTimeout(() => machine.kill('SIGTERM'), limit)
  let said = ''
  machine.stdout.on('data', (data: Buffer) => (said += data.toString('latin1')))
  await once(machine, 'exit')
  clearTimeout(late)
  return said
}

function boardOf(firmware: Firmware): string {
  switch (firmware) {
    case 'ovmf':
      return 'qemu-system-x86_64 -machine q35,accel=tcg -cpu max'
    case 'ovmf-secure':
      // Its variables are written in system management mode alone.
      return 'qemu-system-x86_64 -machine q35,accel=tcg,smm=on -cpu max -global driver=cfi.pflash01,property=secure,value=on'
    case 'aavmf':
      return 'qemu-system-aarch64 -machine virt,accel=tcg -cpu cortex-a72'
    default:
      return firmware satisfies never
  }
}

function off(protocol: string): string {
  return `-fw_cfg name=opt/org.tianocore/${protocol}PXESupport,string=no`
}

/** Has SecureBoot believe a certificate and no other, and switches it on (virt-fw-vars of PyPI's virt-firmware). */
async function enroll(variables: string, certificate: string): Promise<void> {
  const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b'
  const keys = ['--set-pk', owner, certificate, '--add-kek', owner, certificate, '--add-db', owner, certificate]
  await run('virt-fw-vars', ['--inplace', variables, ...keys, '--secure-boot'])
}

/** Certificates as firmware lists them (UEFI 2.10, 32.4.1: EFI_SIGNATURE_LIST of EFI_CERT_X509_GUID). */
async function signatureList(file: string): Promise<Buffer> {
  const text = await readFile(file, 'utf8')
  const certificate = Buffer.from(text.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  const head = Buffer.alloc(28)
  Buffer.from('a159c0a5e494a74a87b5ab155c2bf072', 'hex').copy(head)
  head.writeUInt32LE(28 + 16 + certificate.length, 16)
  head.writeUInt32LE(16 + certificate.length, 24)
  return Buffer.concat([head, Buffer.alloc(16), certificate])
}
