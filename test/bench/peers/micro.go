// Go's answers to the small questions: `micro <switch|spawn|handover|sync|sleepers|timers> [n=COUNT] [part]`.
//
// One idea: the same shapes as the TypeScript variants (a hundred goroutines, two goroutines, a hundred spawned and
// joined), run with GOMAXPROCS=1, so that a switch is a switch and not a wake-up of another thread.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

func perItem(n int, timed func(int) time.Duration) float64 {
	timed(n)
	var all []float64
	for i := 0; i < 7; i++ {
		runtime.GC()
		all = append(all, float64(timed(n).Nanoseconds())/float64(n))
	}
	sort.Float64s(all)
	return all[3]
}

func among(tasks int) func(int) time.Duration {
	return func(n int) time.Duration {
		var group sync.WaitGroup
		group.Add(tasks)
		begin := time.Now()
		for i := 0; i < tasks; i++ {
			go func() {
				for j := 0; j < n/tasks; j++ {
					runtime.Gosched()
				}
				group.Done()
			}()
		}
		group.Wait()
		return time.Since(begin)
	}
}

func spawn(batch int) func(int) time.Duration {
	return func(n int) time.Duration {
		done := make(chan struct{}, batch)
		begin := time.Now()
		for i := 0; i < n; i += batch {
			for j := 0; j < batch; j++ {
				go func() { done <- struct{}{} }()
			}
			for j := 0; j < batch; j++ {
				<-done
			}
		}
		return time.Since(begin)
	}
}

func handover(n int) time.Duration {
	ping, pong := make(chan struct{}), make(chan struct{})
	begin := time.Now()
	go func() {
		for i := 0; i < n; i += 2 {
			<-ping
			pong <- struct{}{}
		}
	}()
	for i := 0; i < n; i += 2 {
		ping <- struct{}{}
		<-pong
	}
	return time.Since(begin)
}

func sleepers(count int) float64 {
	var group sync.WaitGroup
	group.Add(count)
	begin := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			time.Sleep(time.Second)
			group.Done()
		}()
	}
	group.Wait()
	return time.Since(begin).Seconds()
}

func resident() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize())
}

func sleeperBytes(count int) (bytes float64, rss float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rss = resident()
	for i := 0; i < count; i++ {
		go time.Sleep(time.Hour)
	}
	// All of them have to reach their sleep before they are weighed.
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes = float64(after.HeapAlloc+after.StackInuse) - float64(before.HeapAlloc+before.StackInuse)
	return bytes / float64(count), (resident() - rss) / float64(count)
}

func timeouts(n int) time.Duration {
	begin := time.Now()
	for i := 0; i < n; i++ {
		_, cancel := context.WithTimeout(context.Background(), time.Minute)
		cancel()
	}
	return time.Since(begin)
}

func openTimeouts(count int) float64 {
	var group sync.WaitGroup
	group.Add(count)
	wake := make(chan struct{})
	begin := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			select {
			case <-wake:
			case <-ctx.Done():
			}
			cancel()
			group.Done()
		}()
	}
	runtime.Gosched()
	close(wake)
	group.Wait()
	return time.Since(begin).Seconds()
}

// What a deadline on a read costs beside the read itself.
func readDeadlines() float64 {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	go listener.Accept()
	conn, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		os.Exit(1)
	}
	return perItem(500_000, func(n int) time.Duration {
		begin := time.Now()
		for i := 0; i < n; i++ {
			conn.SetReadDeadline(time.Now().Add(time.Minute))
		}
		return time.Since(begin)
	})
}

func syncLock(n int) time.Duration {
	var mutex sync.Mutex
	begin := time.Now()
	for i := 0; i < n; i++ {
		mutex.Lock()
		mutex.Unlock()
	}
	return time.Since(begin)
}

func syncContended(n int) time.Duration {
	var mutex sync.Mutex
	var group sync.WaitGroup
	group.Add(2)
	begin := time.Now()
	for task := 0; task < 2; task++ {
		go func() {
			for i := 0; i < n; i += 2 {
				mutex.Lock()
				runtime.Gosched()
				mutex.Unlock()
			}
			group.Done()
		}()
	}
	group.Wait()
	return time.Since(begin)
}

func syncSemaphore(n int) time.Duration {
	permits := make(chan struct{}, 2)
	begin := time.Now()
	for i := 0; i < n; i++ {
		permits <- struct{}{}
		<-permits
	}
	return time.Since(begin)
}

func syncItems(room int) func(int) time.Duration {
	return func(n int) time.Duration {
		items := make(chan int, room)
		begin := time.Now()
		go func() {
			for i := 0; i < n; i++ {
				items <- i
			}
		}()
		for i := 0; i < n; i++ {
			<-items
		}
		return time.Since(begin)
	}
}

func main() {
	count, part := 1_000_000, ""
	for _, arg := range os.Args[2:] {
		if strings.HasPrefix(arg, "n=") {
			count, _ = strconv.Atoi(arg[2:])
		} else {
			part = arg
		}
	}
	switch os.Args[1] + part {
	case "switch":
		fmt.Printf("{\"ns\": %f, \"nsPair\": %f}\n", perItem(1_000_000, among(100)), perItem(300_000, among(2)))
	case "spawn":
		fmt.Printf("{\"ns\": %f, \"nsSingle\": %f}\n", perItem(200_000, spawn(100)), perItem(200_000, spawn(1)))
	case "handover":
		fmt.Printf("{\"ns\": %f}\n", perItem(500_000, handover))
	case "sleeperstime":
		fmt.Printf("{\"seconds\": %f}\n", sleepers(count))
	case "sleepersbytes":
		bytes, rss := sleeperBytes(count)
		fmt.Printf("{\"bytes\": %f, \"rss\": %f}\n", bytes, rss)
	case "timerseach":
		fmt.Printf("{\"ns\": %f}\n", perItem(count, timeouts))
	case "timersopen":
		fmt.Printf("{\"seconds\": %f}\n", openTimeouts(count))
	case "timersinline":
		fmt.Printf("{\"inlineTimeout\": %f}\n", readDeadlines())
	case "timersread":
		fmt.Println("{}")
	case "synclock":
		fmt.Printf("{\"lock\": %f}\n", perItem(500_000, syncLock))
	case "synccontended":
		fmt.Printf("{\"contended\": %f}\n", perItem(500_000, syncContended))
	case "syncsemaphore":
		fmt.Printf("{\"semaphore\": %f}\n", perItem(500_000, syncSemaphore))
	case "syncqueue":
		fmt.Printf("{\"queue\": %f}\n", perItem(500_000, syncItems(1)))
	case "syncchannel":
		fmt.Printf("{\"channel\": %f}\n", perItem(500_000, syncItems(0)))
	default:
		os.Exit(2)
	}
}
