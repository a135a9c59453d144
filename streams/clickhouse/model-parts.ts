/** `name@version` → its two parts. */
export const modelParts = (modelVersion: string): readonly [name: string, version: string] => {
  const at = modelVersion.indexOf('@')
  return [modelVersion.slice(0, at), modelVersion.slice(at + 1)]
}
