export const definitions = {
  title: 'definitions',
}
