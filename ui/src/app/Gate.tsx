/** Before everything: who is there. Without a session there is the login, at whatever address one came to. */
import { Button, Center, Stack, Text } from '@mantine/core'
import { RouterProvider } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { call } from '../api/client'
import { asProblem } from '../api/problem'
import { Live } from '../live'
import { Connection } from '../live/connection'
import { t } from '../texts'
import { queryClient } from './queryClient'
import { router } from './router'
import { findSession, lookAgain, useSession } from './session'

const Login = lazy(async () => ({ default: (await import('../pages/login/Login')).Login }))
const SignInAgain = lazy(() => import('./SignInAgain'))

function socketAddress(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/ws`
}

function readAgain(): void {
  void lookAgain()
  void queryClient.invalidateQueries()
}

/** Answers late where the session is over: then it has to be asked for first. */
async function reachable(): Promise<boolean> {
  try {
    await call('GET', '/api/auth/me')
    return true
  } catch (error) {
    return asProblem(error).status > 0
  }
}

export function Gate() {
  const session = useSession()
  if (session.state === 'unknown') return null
  if (session.state === 'unreachable') return <Unreachable />
  if (session.state === 'out') return <Suspense><Login /></Suspense>
  return <Inside over={session.state === 'over'} />
}

const AGAIN = 3_000

/** The page was kept, the server is away: it is looked for until it is there. */
function Unreachable() {
  useEffect(() => {
    const timer = setInterval(() => void findSession(), AGAIN)
    return () => clearInterval(timer)
  }, [])
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack align="center">
        <Text role="alert" ta="center">{t.login.away}</Text>
        <Button onClick={() => void findSession()}>{t.login.retry}</Button>
      </Stack>
    </Center>
  )
}

function Inside({ over }: { over: boolean }) {
  const [connection] = useState(() => new Connection(socketAddress, { readAgain, reachable }))
  useEffect(() => {
    connection.start()
    return () => connection.stop()
  }, [connection])
  return (
    <Live value={connection}>
      <RouterProvider router={router} />
      <Suspense>{over && <SignInAgain />}</Suspense>
    </Live>
  )
}
