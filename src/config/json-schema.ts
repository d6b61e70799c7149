import { z } from 'zod'
import { gatewaySchema as gatewayShape } from './gateway-schema.js'
import { editorShapeOf } from './schema-parts.js'
import { whitelistSchema as whitelistShape } from './whitelist-schema.js'

/** JSON Schema of gateway.yaml for editors (`config/gateway.schema.json`). */
export function gatewaySchema(): object {
  return editorSchema(gatewayShape, 'ROR gateway: gateway.yaml')
}

/** JSON Schema of a whitelist file for editors (`config/whitelist.schema.json`). */
export function whitelistSchema(): object {
  return editorSchema(whitelistShape, 'ROR gateway: whitelist of partners')
}

// editors read numbers and booleans as such, where the gateway reads text: those keys bring their own shape.
// draft-07 is what the YAML language server knows best
function editorSchema(shape: z.ZodType, title: string): object {
  const schema = z.toJSONSchema(shape, {
    io: 'input',
    target: 'draft-7',
    override: ({ zodSchema, jsonSchema }) => {
      const own = editorShapeOf(zodSchema)
      if (own === undefined) return
      for (const name of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, name)
      Object.assign(jsonSchema, own)
    },
  })
  return { title, ...schema }
}
