// The package has one door, which brings everything that a program may measure of itself; this is the part that writes.
declare module '@prometheus-io/client/lib/registry.js' {
  import type { Registry } from '@prometheus-io/client'

  const registry: typeof Registry
  export default registry
}
