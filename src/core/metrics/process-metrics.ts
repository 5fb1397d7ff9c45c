import { counter, createSamples, gauge, type Sample } from './metric.ts'

/** The process by the names that every client library of Prometheus has for it. */
export const processMetrics = {
  process_start_time_seconds: gauge('When the process was started', {}),
  process_cpu_seconds_total: counter('CPU time, of the user and of the system', {}),
  process_resident_memory_bytes: gauge('Memory in use', {}),
  process_open_fds: gauge('Open file descriptors; absent where nobody tells', {}),
  nodejs_heap_size_used_bytes: gauge('Part of the heap of JavaScript that is in use', {}),
  nodejs_heap_size_total_bytes: gauge('Size of the heap of JavaScript', {}),
} as const

/** What the process tells of itself. */
export interface ProcessFacts {
  /** In seconds. */
  readonly startedAt: number
  readonly cpu: number
  /** In bytes. */
  readonly resident: number
  readonly heapUsed: number
  readonly heapTotal: number
  readonly openFiles: number | undefined
}

export function readProcess(facts: ProcessFacts): readonly Sample[] {
  const samples = createSamples(processMetrics)
  samples.add('process_start_time_seconds', {}, facts.startedAt)
  samples.add('process_cpu_seconds_total', {}, facts.cpu)
  samples.add('process_resident_memory_bytes', {}, facts.resident)
  samples.add('process_open_fds', {}, facts.openFiles)
  samples.add('nodejs_heap_size_used_bytes', {}, facts.heapUsed)
  samples.add('nodejs_heap_size_total_bytes', {}, facts.heapTotal)
  return samples.all
}
