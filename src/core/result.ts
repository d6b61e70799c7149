/** What a judgement or a reading came to: the value, or every reason why there is none. */
export type Result<Value, Problem> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: Problem }
