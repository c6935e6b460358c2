import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { transport } from "./api/clients.ts";
import { failureOf } from "./api/failure.ts";
import { useInstance, useParameter } from "./location/parameters.ts";
import { buildsPath, nameIn, operationsPath, overviewPath, workersPath } from "./location/paths.ts";
import { pageTitle } from "./location/title.ts";
import { OperationsPage } from "./operations/operations-page.tsx";
import { FaultBoundary } from "./shell/fault-boundary.tsx";
import { Header } from "./shell/header.tsx";
import { Help } from "./shell/help.tsx";
import { useShortcuts } from "./shell/shortcuts.ts";
import { restoreTheme } from "./shell/theme.tsx";
import { Empty, Loading } from "./ui/panels.tsx";

const BuildsPage = lazy(() => import("./invocation/builds-page.tsx"));
const InvocationPage = lazy(() => import("./invocation/invocation-page.tsx"));
const OverviewPage = lazy(() => import("./overview/overview-page.tsx"));
const WorkersPage = lazy(() => import("./workers/workers-page.tsx"));
const OperationPage = lazy(() => import("./operation/operation-page.tsx"));

restoreTheme();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 3 && failureOf(error).passing,
      refetchOnWindowFocus: true,
      // What a browser knows of being online is of no use for a server on the same machine.
      networkMode: "always",
    },
  },
});

/** The dashboard. */
export function App() {
  return (
    <TransportProvider transport={transport}>
      <QueryClientProvider client={queries}>
        <Pages />
      </QueryClientProvider>
    </TransportProvider>
  );
}

function Pages() {
  const [helping, setHelping] = useState(false);
  const [path, navigate] = useLocation();
  const [instance] = useInstance();
  const [filter] = useParameter("filter");
  useEffect(() => {
    document.title = pageTitle({ path, instance, filter });
  }, [path, instance, filter]);
  useShortcuts({
    "?": () => setHelping(true),
    o: () => navigate(operationsPath(instance)),
    b: () => navigate(buildsPath(instance)),
    w: () => navigate(workersPath(instance)),
    v: () => navigate(overviewPath(instance)),
  });
  // What the router tells is decoded already, in part.
  const rest = nameIn(window.location.pathname);
  return (
    <>
      <Header onHelp={() => setHelping(true)} />
      <main id="main" tabIndex={-1}>
        <FaultBoundary where={path}>
          <Suspense fallback={<Loading what="the page" />}>
            <Switch>
              <Route path="/">
                <OperationsPage />
              </Route>
              <Route path="/operations/*">
                <OperationPage key={rest} name={rest} />
              </Route>
              <Route path="/invocations">
                <BuildsPage />
              </Route>
              <Route path="/invocations/*">
                <InvocationPage key={rest} id={rest} />
              </Route>
              <Route path="/workers">
                <WorkersPage key={instance} instance={instance} />
              </Route>
              <Route path="/overview">
                <OverviewPage key={instance} instance={instance} />
              </Route>
              <Route>
                <Empty title="There is no such page">
                  <p>
                    <Link href={operationsPath(instance)}>All operations</Link>
                  </p>
                </Empty>
              </Route>
            </Switch>
          </Suspense>
        </FaultBoundary>
      </main>
      {helping && <Help onClose={() => setHelping(false)} />}
    </>
  );
}
