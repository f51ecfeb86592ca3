! Check that array expressions, complex numbers, elemental and generic procedures, and I/O to a scratch file of Fortran
! give the same in every tier; ends with STOP and a status.
module solver
  implicit none
  interface norm
    module procedure norm_real, norm_complex
  end interface
contains
  pure real(8) function norm_real(a)
    real(8), intent(in) :: a(:)
    norm_real = sqrt(sum(a * a))
  end function
  pure real(8) function norm_complex(a)
    complex(8), intent(in) :: a(:)
    norm_complex = sqrt(sum(abs(a) ** 2))
  end function
  elemental real(8) function bump(x, n)
    real(8), intent(in) :: x
    integer, intent(in) :: n
    integer :: i
    bump = x
    do i = 1, n
      bump = bump / 2 + 1 / (1 + bump * bump)
    end do
  end function
  subroutine eliminate(a, b, ok)
    real(8), intent(inout) :: a(:, :), b(:)
    logical, intent(out) :: ok
    integer :: k, i, p
    real(8) :: row(size(b)), swap
    ok = .true.
    do k = 1, size(b)
      p = k - 1 + maxloc(abs(a(k:, k)), 1)
      if (a(p, k) == 0) then
        ok = .false.; return
      end if
      row = a(k, :); a(k, :) = a(p, :); a(p, :) = row
      swap = b(k); b(k) = b(p); b(p) = swap
      do i = k + 1, size(b)
        b(i) = b(i) - a(i, k) / a(k, k) * b(k)
        a(i, :) = a(i, :) - a(i, k) / a(k, k) * a(k, :)
      end do
    end do
    do k = size(b), 1, -1
      b(k) = (b(k) - dot_product(a(k, k+1:), b(k+1:))) / a(k, k)
    end do
  end subroutine
end module
program numbers
  use solver
  implicit none
  real(8) :: a(24, 24), b(24), x(24)
  complex(8) :: z(16)
  logical :: ok
  integer :: i, j, status
  do i = 1, 24
    do j = 1, 24
      a(i, j) = 1d0 / (i + j) + merge(2, 0, i == j)
    end do
    x(i) = bump(real(i, 8), mod(i, 5))
  end do
  b = matmul(a, x)
  call eliminate(a, b, ok)
  print '(l1,es10.2,5f9.5)', ok, 0d0 * norm(b - x), b(1:5)
  z = [(cmplx(cos(i * 0.5d0), sin(i * 0.25d0), 8), i = 1, 16)]
  z = z * conjg(z(16:1:-1)) + (1, -1)
  print '(f12.6,2f10.5)', norm(z), z(3)
  open (unit=10, status='scratch', form='unformatted')
  write (10) x
  rewind (10)
  read (10, iostat=status) b
  print *, status, maxval(abs(b - x)) == 0, count(bump(x, 3) > 1)
  if (ok) stop 7
end program
