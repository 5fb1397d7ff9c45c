import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DiskRecorder, recordDisk } from '../../lab/disk-recorder.ts'
import { bootName, type ShareLab, startShareLab } from './lab.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.44.29', { imageBytes: 200_000 })
})
afterEach(() => at[Symbol.asyncDispose]())

const published = () => join(at.directory, bootName)
const image = () => join(at.place('v1.13.9'), bootName)
const manifest = () => join(at.place('v1.13.9'), 'manifest.json')
/** The names that something was given for good, in their order. */
const named = ({ events }: DiskRecorder) => events.flatMap(({ did, path }) => (did === 'rename' ? [path] : []))

describe('a power cut while an image is staged', () => {
  test('finds no image and no manifest under its name with less than all of it on the disk', async () => {
    using disk = recordDisk()
    await at.stage('v1.13.9')
    expect(named(disk)).toEqual([image(), manifest(), published(), `${published()}.json`])
    expect(disk.namedTooEarly()).toEqual([])
  })

  test('finds none either where the share knows no hard links, and a copy is published', async () => {
    using disk = recordDisk({ noLinks: true })
    await at.stage('v1.13.9')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect(named(disk)).toEqual([image(), manifest(), published(), `${published()}.json`])
    expect(disk.namedTooEarly()).toEqual([])
  })

  test('finds none where the download was taken up again after it broke off', async () => {
    at.lab.faults.redirect = true
    at.lab.faults.cutAfterBytes = 150_000
    using disk = recordDisk()
    await at.stage('v1.13.9')
    expect(at.lab.requests.filter(({ range }) => range !== undefined).length).toBeGreaterThan(0)
    expect(disk.namedTooEarly()).toEqual([])
  })

  test.for([{ noLinks: false }, { noLinks: true }])(
    'afterwards takes nothing back that machines boot from, nor what is kept of it: %o',
    async (options) => {
      using disk = recordDisk(options)
      await at.stage('v1.13.9')
      // The manifest beside the fixed name is made good by the next run.
      expect(disk.losableNames()).toEqual([`${published()}.json`])
    },
  )

  test('takes back no image that was staged without being published', async () => {
    using disk = recordDisk()
    await at.stage('v1.13.9', { publish: false })
    expect(named(disk)).toEqual([image(), manifest()])
    expect(disk.losableNames()).toEqual([])
  })

  test('takes back no change of what machines boot to an image of before', async () => {
    await at.stage('v1.13.8')
    await at.stage('v1.13.9')
    using disk = recordDisk()
    await at.stage('v1.13.8')
    expect(named(disk)[0]).toBe(published())
    expect(disk.losableNames()).not.toContain(published())
  })
})
