import { canonicalExtension } from './provisions.ts'
import { canonicalYaml, kernelArgumentsOf, type Schematic } from './schematic.ts'

/**
 * What another schematic has otherwise than the wanted one, in words that follow "it": `lacks siderolabs/i915`. None where
 * both make the same image: old names of extensions are their new ones. What can be secret is named and not quoted.
 */
export function differencesOf(wanted: Schematic, other: Schematic): readonly string[] {
  const [a, b] = [withNewNames(wanted), withNewNames(other)]
  if (canonicalYaml(a) === canonicalYaml(b)) return []
  const named = [
    ...compareLists(extensionsOf(a), extensionsOf(b), ''),
    ...compareLists(kernelArgumentsOf(a), kernelArgumentsOf(b), 'the kernel argument '),
    ...parts.filter(({ of }) => of(a) !== of(b)).map(({ name }) => `has another ${name}`),
  ]
  return named.length > 0 ? named : ['lists the same things in another way']
}

function withNewNames(schematic: Schematic): Schematic {
  const extensions = extensionsOf(schematic)
  const systemExtensions = { officialExtensions: extensions.map(canonicalExtension) }
  return { ...schematic, customization: { ...schematic.customization, systemExtensions } }
}

function extensionsOf({ customization }: Schematic): readonly string[] {
  return customization?.systemExtensions?.officialExtensions ?? []
}

function compareLists(wanted: readonly string[], other: readonly string[], kind: string): string[] {
  return [
    ...wanted.filter((one) => !other.includes(one)).map((one) => `lacks ${kind}${one}`),
    ...other.filter((one) => !wanted.includes(one)).map((one) => `has ${kind}${one} in addition`),
  ]
}

/** The parts that are not lists of names. Each is compared as the Factory writes it. */
const parts: readonly { readonly name: string; readonly of: (schematic: Schematic) => string }[] = [
  { name: 'owner', of: ({ owner }) => canonicalYaml({ owner }) },
  { name: 'overlay', of: ({ overlay }) => canonicalYaml({ overlay }) },
  part('embedded machine configuration', 'embeddedMachineConfiguration'),
  part('META', 'meta'),
  part('bootloader', 'bootloader'),
  part('SecureBoot enrolment', 'secureboot'),
  part('disk image', 'diskImage'),
]

function part(name: string, field: keyof NonNullable<Schematic['customization']>) {
  return {
    name,
    of: ({ customization }: Schematic) => canonicalYaml({ customization: { [field]: customization?.[field] } }),
  }
}
