import { describe, expect, test } from 'vitest'
import { ofKind, valueAt } from '../../../src/core/machine-config/document.ts'
import { read, render, rendererOf, usualInstall, worker } from './rendered.ts'

describe('where Talos is installed', () => {
  const at = async (install: string, booted: string) => {
    const made = await render({ machines: `install: ${install}` }, worker, booted)
    const config = read(made.text, booted.slice(1, 5))
    const unattended = ofKind(config, 'UnattendedInstallConfig')
    return {
      install: valueAt(config[0], 'machine', 'install'),
      match: valueAt(unattended, 'provisioning', 'diskSelector', 'match'),
      warnings: made.warnings,
    }
  }

  test('is a path that no restart changes: Talos 1.14 looks for it among the links to a disk', async () => {
    expect(await at('{ disk: /dev/disk/by-id/x }', 'v1.14.1')).toMatchObject({
      match: '"/dev/disk/by-id/x" in disk.symlinks',
      warnings: [],
    })
    expect(await at('{ disk: /dev/nvme0n1 }', 'v1.14.1')).toMatchObject({ match: 'disk.dev_path == "/dev/nvme0n1"' })
    expect(await at('{ disk: /dev/disk/by-id/x, wipe: true }', 'v1.13.9')).toMatchObject({
      install: { disk: '/dev/disk/by-id/x', wipe: true },
    })
  })

  test('is a disk by its serial number, as Talos itself reads a selector', async () => {
    const selector = '{ diskSelector: { serial: S64*, size: ">= 100GB", type: nvme } }'
    expect(await at(selector, 'v1.14.1')).toMatchObject({
      match:
        'disk.size >= 100000000000u && glob("S64*", disk.serial) && disk.transport == "nvme" && disk.transport != "" && !disk.readonly && !disk.cdrom',
    })
    expect(await at(selector, 'v1.13.9')).toMatchObject({
      install: { diskSelector: { serial: 'S64*', size: '>= 100GB', type: 'nvme' } },
    })
  })

  test('is an expression only where Talos reads one', async () => {
    expect(await at(`{ diskSelector: { match: 'disk.serial == "S64"' } }`, 'v1.14.1')).toMatchObject({
      match: 'disk.serial == "S64"',
    })
    await expect(at(`{ diskSelector: { match: 'disk.serial == "S64"' } }`, 'v1.13.9')).rejects.toThrow(
      'needs Talos 1.14',
    )
  })

  test.each([
    { install: '{ disk: /dev/sda }', said: '/dev/sda may be another disk after a restart' },
    { install: '{ diskSelector: { type: ssd } }', said: 'several disks may fit the diskSelector' },
  ])('is doubted for $install', async ({ install, said }) => {
    for (const booted of ['v1.13.9', 'v1.14.1'])
      expect((await at(install, booted)).warnings).toEqual([expect.stringContaining(said) as string])
  })

  test('is said by the machine before it is said for all', async () => {
    const written = {
      machines: `${usualInstall}machines: [{ name: worker-2, match: { serial: SN42 }, install: { disk: /dev/disk/by-id/own } }]`,
    }
    const { text } = await render(written)
    expect(text).toContain('disk: /dev/disk/by-id/own')
    const other = await rendererOf(written).render({ ...worker, name: 'worker-3' }, { serial: 'SN42' })
    expect(other.text).toContain('disk: /dev/disk/by-id/own')
  })
})
