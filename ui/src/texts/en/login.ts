export const login = {
  title: 'Sign in',
  name: 'Name',
  password: 'Password',
  submit: 'Sign in',
  wrong: 'The name or the password is wrong.',
  wait: (seconds: number) => `Too many tries. Wait ${seconds} s and try again.`,
  unreachable: 'The server cannot be reached. Check your connection and try again.',
  again: 'Sign in again',
  over: (name: string) => `Your session has ended. Sign in as ${name} to go on; nothing on this page is lost.`,
  somebodyElse: 'Sign in as somebody else',
  forgotten: 'Forgotten? Whoever runs this server can give you a new password.',
  retry: 'Try again',
}
