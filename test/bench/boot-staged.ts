import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFactory } from '../../src/adapters/factory/factory.ts'
import type { ImageOrder } from '../../src/core/release/image.ts'
import { createShare } from '../../src/adapters/share/share.ts'
import { createFactory as createLabFactory } from '../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../lab/homelab.ts'
import { buildRealUki } from '../lab/uki/real-uki.ts'

// An image of Debian's kernel and systemd's stub is staged from a Factory as the daemon stages it, and booted by real UEFI
// firmware from the share, by TFTP. Needs qemu-system-x86 and ovmf, and what test/lab/uki/build-uki.sh names.
// `node test/bench/boot-staged.ts`; ends with 0 where the machine came up with the image's own command line.

const within = Number(process.env['WITHIN'] ?? 240_000)
const version = 'v1.13.9'
const file = 'metal-amd64-uki.efi'

await using stack = new AsyncDisposableStack()
const folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-'))
stack.defer(() => rm(folder, { recursive: true, force: true }))
const [image, share, variables] = [join(folder, 'image.efi'), join(folder, 'share'), join(folder, 'vars.fd')]
const asked: string[] = []
const answers = createServer(({ url }, response) => {
  asked.push(url ?? '')
  response.end('a configuration\n')
})
await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve))
stack.defer(() => void answers.close())
const { port } = answers.address() as { readonly port: number }

await buildRealUki(image, {
  version,
  environment: { CONFIG_URL: `http://10.0.2.2:${port}/config?mac=\${mac}`, AFTER: 'poweroff' },
})
const lab = stack.use(createLabFactory({ versions: [version], files: { [version]: image } }))
await lab.start()
const factory = createFactory(lab.url)
const signal = AbortSignal.timeout(within)
await factory.register(homelabSchematic, signal)
await mkdir(share)
const order: ImageOrder = {
  schematic: homelabSchematicId,
  version,
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  kernelArguments: [],
}
const onShare = createShare({ directory: share, schematicOf: () => homelabSchematic })
const staged = await onShare.stage(order, factory, signal)
await onShare.publish(file, order, signal)
const published = createHash('sha256')
  .update(await readFile(join(share, file)))
  .digest('hex')
console.log(`staged ${version}, ${(staged.bytes / 1e6).toFixed(1)} MB, published ${published === staged.sha256}`)

await copyFile('/usr/share/OVMF/OVMF_VARS_4M.fd', variables)
const began = performance.now()
const machine = spawn(
  'qemu-system-x86_64',
  [
    '-machine q35,accel=tcg -m 768 -nographic -no-reboot -serial stdio -monitor none -device virtio-rng-pci',
    '-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd',
    `-drive if=pflash,format=raw,file=${variables}`,
    // Without a ROM of its own: iPXE would take over, and replace the command line in the image.
    `-netdev user,id=n0,tftp=${share},bootfile=${file} -device virtio-net-pci,netdev=n0,romfile=`,
  ].flatMap((words) => words.split(' ')),
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const late = setTimeout(() => machine.kill('SIGKILL'), within)
let shown = ''
machine.stdout.on('data', (data: Buffer) => (shown += data.toString('latin1')))
await new Promise((resolve) => machine.once('exit', resolve))
clearTimeout(late)
const lines = shown.split(/[\r\n]+/).filter((line) => line.includes('@@KIT'))
console.log(lines.join('\n'))
console.log(`off again after ${((performance.now() - began) / 1_000).toFixed(1)} s; asked for ${asked.join(', ')}`)
const isUp =
  lines.some((line) => line.includes(`version ${version}`)) &&
  lines.some((line) => line.includes('cmdline ') && line.includes('talos.platform=metal')) &&
  asked.some((path) => path.includes('mac=52%3A54'))
process.exitCode = isUp && published === staged.sha256 ? 0 : 1
if (!isUp) console.log(shown.slice(-2_000))
