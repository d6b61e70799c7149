import { relative, dirname } from 'node:path'
import type { GatewayConfig } from '../config/gateway-config.js'
import type { ValueDiff } from './policy-diff.js'

/**
 * What differs between two gateway.yaml beside their whitelists, as dotted keys.
 *
 * Lists of named things (environments, APIs) are compared by name; paths as they stand to their own file.
 */
export function diffSettings(before: GatewayConfig, after: GatewayConfig): readonly ValueDiff[] {
  const [old, next] = [flattened(before), flattened(after)]
  const fields = [...new Set([...old.keys(), ...next.keys()])]
  return fields.flatMap((field) => {
    const [was, is] = [old.get(field), next.get(field)]
    return was === is ? [] : [{ field, before: was, after: is }]
  })
}

function flattened(config: GatewayConfig): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const folder = dirname(config.file)
  walk(config, { at: '', folder, found })
  return found
}

interface Walk {
  readonly at: string
  readonly folder: string
  readonly found: Map<string, string>
}

function walk(value: unknown, { at, folder, found }: Walk): void {
  if (value === undefined || value === null) return
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    if (items.every((item) => typeof item !== 'object')) {
      if (items.length > 0) found.set(at, items.join(', '))
      return
    }
    for (const [index, item] of items.entries())
      walk(item, { at: `${at}.${keyOf(item, index)}`, folder, found })
    return
  }
  if (typeof value === 'object') {
    if ('path' in value && 'place' in value && typeof value.path === 'string') {
      found.set(at, relative(folder, value.path))
      return
    }
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'place' || (at === '' && key === 'file')) continue
      walk(inner, { at: at === '' ? key : `${at}.${key}`, folder, found })
    }
    return
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    found.set(at, String(value))
  }
}

function keyOf(item: unknown, index: number): string {
  if (typeof item !== 'object' || item === null) return String(index)
  if ('name' in item && typeof item.name === 'string') return item.name
  if ('method' in item && typeof item.method === 'string' && 'path' in item && Array.isArray(item.path)) {
    return `${item.method} /${item.path.join('/')}`
  }
  return String(index)
}
