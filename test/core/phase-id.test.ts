import { describe, expect, test } from 'vitest'
import { isPhaseId, type PhaseId, phaseIdOfTitle, phaseTitles } from '../../src/core/phase-id.ts'

describe('a record of 0.1.0 names phases by their titles', () => {
  test.each<{ title: string; means: PhaseId }>([
    { title: 'fetch', means: 'pull-images' },
    { title: 'snapshot', means: 'snapshot-etcd' },
    { title: 'close', means: 'cordon' },
    { title: 'empty', means: 'drain' },
    { title: 'confirm', means: 'confirm' },
    { title: 'note', means: 'annotate' },
    { title: 'note installed', means: 'annotate' },
    { title: 'install', means: 'install' },
    { title: 'hand over', means: 'forfeit-leadership' },
    { title: 'reboot', means: 'reboot' },
    { title: 'roll back', means: 'rollback' },
    { title: 'return', means: 'verify-boot' },
    { title: 'etcd', means: 'verify-etcd' },
    { title: 'settle', means: 'settle' },
    { title: 'reopen', means: 'uncordon' },
    { title: 'prove', means: 'verify-checks' },
    { title: 'stage', means: 'stage-image' },
    { title: 'cordon', means: 'cordon' },
    { title: 'scale down', means: 'scale-down' },
    { title: 'storage', means: 'set-storage-flags' },
    { title: 'drain', means: 'drain' },
    { title: 'everything', means: 'shut-down-all' },
    { title: 'everything down', means: 'await-all' },
    { title: 'workers', means: 'shut-down-workers' },
    { title: 'workers down', means: 'await-workers' },
    { title: 'storage nodes', means: 'shut-down-storage-nodes' },
    { title: 'storage nodes down', means: 'await-storage-nodes' },
    { title: 'control planes', means: 'shut-down-control-planes' },
    { title: 'control planes down', means: 'await-control-planes' },
    { title: 'hosts', means: 'shut-down-hosts' },
    { title: 'hosts down', means: 'await-hosts' },
    { title: 'nas', means: 'shut-down-nas' },
    { title: 'nas down', means: 'await-nas' },
    { title: 'own machine', means: 'shut-down-own-machine' },
    { title: 'cut the power', means: 'cut-power' },
    { title: 'log out', means: 'log-out' },
    { title: 'bring back', means: 'wake-machines' },
    { title: 'uncordon', means: 'uncordon' },
    { title: 'storage whole', means: 'await-storage' },
    { title: 'scale back', means: 'scale-up' },
    { title: 'log in', means: 'log-in' },
  ])('$title means $means', ({ title, means }) => {
    expect(phaseIdOfTitle(title)).toBe(means)
  })

  test('what it names by an id already stays so', () => {
    for (const id of Object.keys(phaseTitles)) expect(phaseIdOfTitle(id)).toBe(id)
  })

  test.each(['', 'Reboot', 'hand-over', 'constructor', '__proto__', 'toString'])('"%s" is no phase', (title) => {
    expect(phaseIdOfTitle(title)).toBeUndefined()
    expect(isPhaseId(title)).toBe(false)
  })
})

test('no two phases have the same title, so that a person can tell them apart', () => {
  const titles = Object.values(phaseTitles)
  expect(new Set(titles).size).toBe(titles.length)
})
