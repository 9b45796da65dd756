package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// launch is what a child needs to start; it stays the same over restarts.
type launch struct {
	dir, library string
	native, http string   // host:port
	lock         *os.File // inherited by the child
	gate         *gate
}

// child is one running engine process.
type child struct {
	process *os.Process
	stdin   io.Closer
	says    *tail
	started time.Time
	exited  chan struct{} // closed when the process has gone
	err     error         // why it ended; read after exited
}

// command is the child's command line: this program again with the library, or a clickhouse server.
func (l launch) command() *exec.Cmd {
	config := filepath.Join(l.dir, "config.xml")
	_, native, _ := net.SplitHostPort(l.native)
	_, httpPort, _ := net.SplitHostPort(l.http)
	settings := []string{
		"--path=" + filepath.Join(l.dir, "data"),
		"--listen_host=127.0.0.1", "--tcp_port=" + native, "--http_port=" + httpPort,
	}
	cmd := &exec.Cmd{
		Dir:         l.dir,
		Env:         []string{"TZ=UTC", "HOME=" + l.dir}, // and none of our secrets
		ExtraFiles:  []*os.File{l.lock},
		SysProcAttr: childAttributes(),
		WaitDelay:   time.Second,
	}
	if isLibrary(l.library) {
		cmd.Path = thisProgram()
		own := []string{childName, l.library, l.dir, strconv.Itoa(l.gate.port())}
		cmd.Args = append(append(own, "--config-file="+config, "--query="+serve), settings...)
		return cmd
	}
	cmd.Path = l.library
	cmd.Args = append([]string{l.library, "server", "--config-file=" + config, "--"}, settings...)
	return cmd
}

// start starts a child. The thread that starts it lives as long as it does: Linux ends a child that wants to end with
// its parent when the thread that made it ends.
func (l launch) start() (*child, error) {
	cmd := l.command()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	c := &child{stdin: stdin, says: &tail{}, started: time.Now(), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c.says, c.says
	l.gate.admitNext()
	started := make(chan error)
	go func() { // ends when the process has gone
		runtime.LockOSThread()
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	return c, nil
}

// end stops the child step by step, waiting for each.
func (c *child) end(wait time.Duration) {
	steps := []func(){
		func() { _ = c.stdin.Close() },
		func() { _ = c.process.Signal(syscall.SIGTERM) },
		func() { _ = c.process.Kill() },
	}
	for _, step := range steps {
		step()
		select {
		case <-c.exited:
			return
		case <-time.After(wait):
		}
	}
	<-c.exited // SIGKILL can't be refused
}

// death says why the child has gone.
func (c *child) death() error {
	how := "without an error"
	if c.err != nil {
		how = c.err.Error()
	}
	if said := c.says.String(); said != "" {
		how += ": " + said
	}
	return errors.New("the engine ended: " + how)
}

// freePorts picks two loopback ports that nobody uses at this moment.
func freePorts(ctx context.Context) (native, http string, err error) {
	var listen net.ListenConfig
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = listen.Listen(ctx, "tcp4", "127.0.0.1:0"); err != nil {
			return "", "", fmt.Errorf("find a free port for the engine: %w", err)
		}
		defer func() { _ = listeners[i].Close() }()
	}
	return listeners[0].Addr().String(), listeners[1].Addr().String(), nil
}

// tail keeps the last words of a child.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const lastWords = 2 << 10 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - lastWords; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
