import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { homelabSchematicId } from '../lab/homelab.ts'
import { type Everyday, megabytes } from './everyday.ts'
import { clock, median, say } from './measure.ts'

/** Bringing an image onto the share, beside the script that people have for it. */
export async function measureStaging({ directory, lab, daemon, files }: Everyday): Promise<void> {
  const staging: number[] = []
  const script: number[] = []
  for (const version of Object.keys(files)) {
    script.push(
      await clock(
        () =>
          new Promise((resolve) => {
            const url = `${lab.factory.url}/image/${homelabSchematicId}/${version}/metal-amd64-uki.efi`
            const line = `curl -sS -o '${directory}/by-hand.part' '${url}' && sha256sum '${directory}/by-hand.part' && sync '${directory}/by-hand.part' && mv '${directory}/by-hand.part' '${directory}/by-hand.efi'`
            spawn('sh', ['-c', line], { stdio: 'ignore' }).once('exit', resolve)
          }),
      ),
    )
    staging.push(await clock(() => daemon.control.post('/stage', { version, wait: true })))
  }
  const [newest, file] = Object.entries(files).at(-1)!
  const image = await readFile(
    join(directory, 'share', 'talos', newest, homelabSchematicId.slice(0, 12), 'metal-amd64-uki.efi'),
  )
  if (!image.equals(await readFile(file))) throw new Error('the staged image is not the one that was served')
  say(
    `staging ${megabytes} MB`,
    `${median(staging).toFixed(0)} ms (checked), curl + sha256sum + sync + mv ${median(script).toFixed(0)} ms: ${(median(staging) / median(script)).toFixed(2)} x`,
  )
}
